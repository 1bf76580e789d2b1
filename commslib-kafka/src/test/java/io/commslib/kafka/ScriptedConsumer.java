package io.commslib.kafka;

import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;

/**
 * A consumer of logs in memory with the rules of the real one. A poll moves the position past what
 * it returns, including offsets without records. A paused partition returns nothing. Rebalances
 * happen inside polls, and commits fail while one is in progress. An interrupted thread gets an
 * exception, and its flag is set again. {@link Faults} counts each call, and each read of a field
 * of a record.
 *
 * <p>The public methods are those of {@link Consumer} that the tested code is allowed to call.
 */
final class ScriptedConsumer {

  private static final CloudEventsEnvelope ENVELOPE =
      new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);

  private final Faults faults;
  private final Map<TopicPartition, NavigableMap<Long, ConsumerRecord<byte[], ByteBuffer>>> logs =
      new LinkedHashMap<>();
  private final Map<TopicPartition, Long> ends = new HashMap<>();
  private final Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
  private final Map<TopicPartition, Long> firstCommits = new HashMap<>();
  private final Map<TopicPartition, Long> positions = new HashMap<>();
  private final Set<TopicPartition> assignment = new HashSet<>();
  private final Set<TopicPartition> paused = new HashSet<>();
  private final List<Runnable> callbacks = new ArrayList<>();
  private @Nullable ConsumerRebalanceListener listener;
  private BiConsumer<TopicPartition, OffsetAndMetadata> onCommit = (partition, offset) -> {};
  private Set<TopicPartition> target = Set.of();
  private int rebalancePolls;
  private boolean wokenUp;
  private boolean closed;
  private int polls;
  private int maxRecords = 3;

  ScriptedConsumer(Faults faults) {
    this.faults = faults;
  }

  // -- the script

  void onCommit(BiConsumer<TopicPartition, OffsetAndMetadata> newOnCommit) {
    this.onCommit = newOnCommit;
  }

  void partition(TopicPartition partition) {
    logs.put(partition, new TreeMap<>());
    ends.put(partition, 0L);
  }

  /** Appends a record; the offsets between the current end and the record hold no records. */
  void append(TopicPartition partition, long offset, long timestamp, @Nullable String key) {
    Message.Builder message = Message.builder("t").id(partition + "@" + offset);
    if (key != null) {
      message.key(key);
    }
    log(partition).put(offset, new CountedRecord(partition, offset, timestamp, message.build()));
    ends.put(partition, offset + 1);
  }

  /** Ends the log with offsets without records, such as the marker of a transaction. */
  void endsAt(TopicPartition partition, long end) {
    ends.put(partition, end);
  }

  /** Recreates the log: other records follow from offset 0 on. */
  void truncate(TopicPartition partition) {
    log(partition).clear();
    ends.put(partition, 0L);
  }

  void commit(TopicPartition partition, OffsetAndMetadata offset) {
    committed.put(partition, offset);
  }

  /** Starts a rebalance that the next poll completes. */
  void assign(Set<TopicPartition> newTarget) {
    rebalance(newTarget, 1);
  }

  /** Starts a rebalance that the given number of polls completes. */
  void rebalance(Set<TopicPartition> newTarget, int inPolls) {
    target = Set.copyOf(newTarget);
    rebalancePolls = inPolls;
  }

  /** Ends the session: the partition is lost in the next poll and assigned again later. */
  void lose(TopicPartition partition) {
    callbacks.add(
        () -> {
          if (assignment.remove(partition)) {
            paused.remove(partition);
            positions.remove(partition);
            call(() -> listener().onPartitionsLost(Set.of(partition)));
          }
        });
    rebalance(target, 2);
  }

  Set<Long> offsets(TopicPartition partition) {
    return log(partition).keySet();
  }

  Set<TopicPartition> partitions() {
    return logs.keySet();
  }

  long committedOffset(TopicPartition partition) {
    OffsetAndMetadata offset = committed.get(partition);
    return offset == null ? -1 : offset.offset();
  }

  long firstCommit(TopicPartition partition) {
    return firstCommits.getOrDefault(partition, -1L);
  }

  boolean isClosed() {
    return closed;
  }

  int polls() {
    return polls;
  }

  void maxRecords(int newMaxRecords) {
    this.maxRecords = newMaxRecords;
  }

  @SuppressWarnings("unchecked")
  Consumer<byte[], ByteBuffer> consumer() {
    return (Consumer<byte[], ByteBuffer>)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Consumer.class},
            (proxy, method, arguments) -> invoke(method, arguments));
  }

  private @Nullable Object invoke(Method method, Object @Nullable [] arguments) throws Throwable {
    Method scripted;
    try {
      scripted = getClass().getMethod(method.getName(), method.getParameterTypes());
    } catch (NoSuchMethodException e) {
      throw new UnsupportedOperationException("not scripted: " + method);
    }
    faults.onCall("before consumer." + method.getName());
    try {
      Object result = scripted.invoke(this, arguments);
      faults.onCall("after consumer." + method.getName());
      return result;
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  // -- the consumer

  public Set<TopicPartition> assignment() {
    return Set.copyOf(assignment);
  }

  public Set<TopicPartition> paused() {
    return Set.copyOf(paused);
  }

  public void subscribe(Collection<String> topics, ConsumerRebalanceListener newListener) {
    listener = newListener;
  }

  public void pause(Collection<TopicPartition> partitions) {
    partitions.forEach(this::requireAssigned);
    paused.addAll(partitions);
  }

  public void resume(Collection<TopicPartition> partitions) {
    partitions.forEach(this::requireAssigned);
    paused.removeAll(partitions);
  }

  public void seek(TopicPartition partition, long offset) {
    requireAssigned(partition);
    positions.put(partition, offset);
  }

  public void seek(TopicPartition partition, OffsetAndMetadata offset) {
    seek(partition, offset.offset());
  }

  public long position(TopicPartition partition, Duration timeout) {
    requireAssigned(partition);
    return positionOf(partition);
  }

  public Map<TopicPartition, OffsetAndMetadata> committed(
      Set<TopicPartition> partitions, Duration timeout) {
    mayBlock();
    Map<TopicPartition, OffsetAndMetadata> found = new HashMap<>();
    partitions.forEach(partition -> found.put(partition, committed.get(partition)));
    return found;
  }

  public Map<TopicPartition, Long> beginningOffsets(
      Collection<TopicPartition> partitions, Duration timeout) {
    mayBlock();
    Map<TopicPartition, Long> found = new HashMap<>();
    partitions.forEach(partition -> found.put(partition, 0L));
    return found;
  }

  public Map<TopicPartition, Long> endOffsets(
      Collection<TopicPartition> partitions, Duration timeout) {
    mayBlock();
    Map<TopicPartition, Long> found = new HashMap<>();
    partitions.forEach(partition -> found.put(partition, ends.get(partition)));
    return found;
  }

  public void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets, Duration timeout) {
    mayBlock();
    if (rebalancePolls > 0) {
      throw new RebalanceInProgressException("scripted");
    }
    store(offsets);
  }

  public void commitAsync(
      Map<TopicPartition, OffsetAndMetadata> offsets, OffsetCommitCallback callback) {
    if (rebalancePolls > 0) {
      callbacks.add(
          () -> callback.onComplete(offsets, new RebalanceInProgressException("scripted")));
    } else {
      store(offsets);
      callbacks.add(() -> callback.onComplete(offsets, null));
    }
  }

  private void store(Map<TopicPartition, OffsetAndMetadata> offsets) {
    offsets.forEach(onCommit);
    offsets.forEach((partition, offset) -> firstCommits.putIfAbsent(partition, offset.offset()));
    committed.putAll(offsets);
  }

  public ConsumerRecords<byte[], ByteBuffer> poll(Duration timeout) {
    polls++;
    mayBlock();
    while (!callbacks.isEmpty()) {
      callbacks.remove(0).run();
    }
    if (rebalancePolls > 0 && --rebalancePolls == 0) {
      completeRebalance();
    }
    Map<TopicPartition, List<ConsumerRecord<byte[], ByteBuffer>>> returned = new LinkedHashMap<>();
    int capacity = maxRecords;
    for (TopicPartition partition : logs.keySet()) {
      if (capacity > 0 && assignment.contains(partition) && !paused.contains(partition)) {
        List<ConsumerRecord<byte[], ByteBuffer>> some = fetch(partition, capacity);
        if (!some.isEmpty()) {
          returned.put(partition, some);
          capacity -= some.size();
        }
      }
    }
    return new ConsumerRecords<>(returned, Map.of());
  }

  private List<ConsumerRecord<byte[], ByteBuffer>> fetch(TopicPartition partition, int capacity) {
    long position = positionOf(partition);
    if (position > Objects.requireNonNull(ends.get(partition))) {
      // Out of range: reading starts at the beginning, as auto.offset.reset says.
      position = 0;
    }
    List<ConsumerRecord<byte[], ByteBuffer>> some =
        log(partition).tailMap(position, true).values().stream().limit(capacity).toList();
    long next =
        some.isEmpty()
            ? Objects.requireNonNull(ends.get(partition))
            : ((CountedRecord) some.get(some.size() - 1)).at + 1;
    positions.put(partition, next);
    return some;
  }

  private void completeRebalance() {
    Set<TopicPartition> revoked = new HashSet<>(assignment);
    revoked.removeAll(target);
    if (!revoked.isEmpty()) {
      call(() -> listener().onPartitionsRevoked(revoked));
      assignment.removeAll(revoked);
      paused.removeAll(revoked);
      positions.keySet().removeAll(revoked);
    }
    Set<TopicPartition> added = new HashSet<>(target);
    added.removeAll(assignment);
    assignment.addAll(added);
    call(() -> listener().onPartitionsAssigned(added));
  }

  /** The poll throws what a callback throws; exceptions are wrapped. */
  private static void call(Runnable callback) {
    try {
      callback.run();
    } catch (KafkaException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new KafkaException("User rebalance callback throws an error", e);
    }
  }

  public void wakeup() {
    wokenUp = true;
  }

  public void close(Duration timeout) {
    mayBlock();
    closed = true;
  }

  private void mayBlock() {
    if (Thread.interrupted()) {
      throw new InterruptException("interrupted before the call");
    }
    if (wokenUp) {
      wokenUp = false;
      throw new WakeupException();
    }
  }

  private ConsumerRebalanceListener listener() {
    return Objects.requireNonNull(listener, "listener");
  }

  private NavigableMap<Long, ConsumerRecord<byte[], ByteBuffer>> log(TopicPartition partition) {
    return Objects.requireNonNull(logs.get(partition), partition::toString);
  }

  private long positionOf(TopicPartition partition) {
    OffsetAndMetadata start = committed.get(partition);
    return positions.computeIfAbsent(partition, first -> start == null ? 0 : start.offset());
  }

  private void requireAssigned(TopicPartition partition) {
    if (!assignment.contains(partition)) {
      throw new IllegalStateException("not assigned: " + partition);
    }
  }

  /** Counts the reads of fields before the record is in the engine. */
  private final class CountedRecord extends ConsumerRecord<byte[], ByteBuffer> {
    private final long at;

    CountedRecord(TopicPartition partition, long offset, long timestamp, Message message) {
      this(partition, offset, timestamp, ENVELOPE.write(message));
    }

    private CountedRecord(
        TopicPartition partition, long offset, long timestamp, ForeignRecord wire) {
      super(
          partition.topic(),
          partition.partition(),
          offset,
          timestamp,
          TimestampType.LOG_APPEND_TIME,
          0,
          0,
          wire.keyText().map(key -> key.getBytes(StandardCharsets.UTF_8)).orElse(null),
          ByteBuffer.wrap(wire.body()),
          new RecordHeaders(),
          Optional.empty());
      this.at = offset;
      wire.texts()
          .forEach((name, value) -> headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public long offset() {
      faults.onCall("record.offset");
      return super.offset();
    }

    @Override
    public long timestamp() {
      faults.onCall("record.timestamp");
      return super.timestamp();
    }

    @Override
    public byte[] key() {
      faults.onCall("record.key");
      return super.key();
    }
  }
}
