package io.commslib.kafka;

import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.spi.DeliveryEngine;
import io.commslib.core.spi.RawDelivery;
import io.commslib.core.spi.Settler;
import io.commslib.core.time.CommsRuntime;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that owns a consumer. It never waits for a handler while it should poll, so
 * membership is kept however slow handlers are: what the engine can't take now stays in a small
 * buffer and the partitions pause. Only losing a partition waits, bounded, for its running
 * handlers.
 *
 * <p>Every assignment of a partition has a ledger of its own. Revoked: handlers end, the frontier
 * is committed, the ledger is dropped. Lost: it is dropped without commit, since another member may
 * be ahead.
 */
final class PollLoop implements Settler, ConsumerRebalanceListener {

  private static final Logger log = LoggerFactory.getLogger(PollLoop.class);
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration POLL_BLOCKED = Duration.ofMillis(5);
  private static final Duration REVOKE_LIMIT = Duration.ofSeconds(5);

  /** For all partitions of an assignment together, within which the loop does not poll. */
  private static final Duration POSITIONS_LIMIT = Duration.ofSeconds(10);

  private static final long ERROR_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final Consumer<byte[], ByteBuffer> consumer;
  private final KafkaTransportConfig config;
  private final SubscriptionConfig subscription;
  private final CommsRuntime runtime;
  private final OffsetCommits commits;
  private final StandstillAlarm alarm;
  private final DelayTopics delays;
  private final Map<TopicPartition, PartitionLedger> ledgers = new HashMap<>();
  private final Set<TopicPartition> paused = new HashSet<>();

  /** Records that have come and are not handed over yet, all but those being probed. */
  private List<KafkaDelivery> buffer = new ArrayList<>();

  private final Map<PartitionLedger, ArrayDeque<KafkaDelivery>> probed = new HashMap<>();
  private final CountDownLatch assigned = new CountDownLatch(1);
  private @Nullable DeliveryEngine engine;
  private long nextCommitNanos;
  private volatile boolean intakeStopped;
  private volatile boolean stopped;
  private volatile String lastError = "";

  PollLoop(
      Consumer<byte[], ByteBuffer> consumer,
      KafkaTransportConfig config,
      SubscriptionConfig subscription,
      CommsRuntime runtime,
      DelayTopics delays) {
    this.consumer = consumer;
    this.config = config;
    this.subscription = subscription;
    this.runtime = runtime;
    this.delays = delays;
    this.commits = new OffsetCommits(consumer, runtime.time(), ledgers);
    this.alarm = new StandstillAlarm(subscription);
    this.nextCommitNanos = runtime.time().nanoTime();
  }

  void attach(DeliveryEngine newEngine, List<String> topics) {
    this.engine = newEngine;
    consumer.subscribe(topics, this);
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  boolean awaitAssigned(Duration timeout) throws InterruptedException {
    return assigned.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Hands no more records over, but keeps polling and so its membership. */
  void stopIntake() {
    intakeStopped = true;
  }

  void commitSoon() {
    nextCommitNanos = runtime.time().nanoTime();
  }

  void stop() {
    stopped = true;
    consumer.wakeup();
  }

  /** What went wrong last, empty while all is well. */
  String lastError() {
    String failure = lastError;
    if (!failure.isEmpty()) {
      return failure;
    }
    String commit = commits.lastError();
    return commit.isEmpty() ? alarm.text() : commit;
  }

  void run() {
    while (!stopped) {
      try {
        pass();
        lastError = "";
      } catch (WakeupException e) {
        // Somebody wants this loop to look at its flags.
        continue;
      } catch (KafkaException e) {
        lastError = e.toString();
        log.warn("poll failed, goes on: {}", e.toString());
        LockSupport.parkNanos(ERROR_PAUSE_NANOS);
      } catch (RuntimeException | Error e) {
        lastError = e.toString();
        log.error("poll loop failed, goes on", e);
        LockSupport.parkNanos(ERROR_PAUSE_NANOS);
      }
    }
    end();
  }

  private void pass() {
    hand();
    boolean blocked = pauseWhatIsBlocked();
    receive(consumer.poll(blocked && !intakeStopped ? POLL_BLOCKED : POLL));
    hand();
    long now = runtime.time().nanoTime();
    if (now - nextCommitNanos >= 0) {
      nextCommitNanos = now + config.commitInterval().toNanos();
      commits.progress();
      alarm.look(ledgers.values(), engine(), now);
      passGaps();
    }
  }

  /** All partitions while the buffer is full, else those that are probed or whose note is full. */
  private boolean pauseWhatIsBlocked() {
    boolean all = intakeStopped || !buffer.isEmpty();
    long now = runtime.time().now().toEpochMilli();
    for (Map.Entry<TopicPartition, PartitionLedger> entry : ledgers.entrySet()) {
      PartitionLedger ledger = entry.getValue();
      boolean hold =
          all
              || probed.containsKey(ledger)
              || delays.isHeld(entry.getKey(), now)
              || ledger.isNoteNearlyFull();
      if (hold && paused.add(entry.getKey())) {
        consumer.pause(Set.of(entry.getKey()));
      } else if (!hold && paused.remove(entry.getKey())) {
        consumer.resume(Set.of(entry.getKey()));
      }
    }
    return all || !probed.isEmpty();
  }

  private void receive(ConsumerRecords<byte[], ByteBuffer> records) {
    if (records.isEmpty()) {
      return;
    }
    long now = runtime.time().now().toEpochMilli();
    List<PartitionLedger> starting = new ArrayList<>();
    for (TopicPartition partition : records.partitions()) {
      PartitionLedger ledger = ledgers.get(partition);
      if (ledger == null) {
        continue;
      }
      for (ConsumerRecord<byte[], ByteBuffer> record : records.records(partition)) {
        if (!delays.isDue(partition, record, now)) {
          // Comes again when it is due; till then nothing of the topic is kept in memory.
          consumer.seek(partition, record.offset());
          break;
        }
        if (ledger.accepted(record.offset())) {
          keep(ledger, new KafkaDelivery(ledger, record));
        }
      }
      if (ledger.isStartToBeNoted() && !ledger.isIdle()) {
        starting.add(ledger);
      }
    }
    // Before any of them is handled: should one kill this process, its successor knows.
    commits.starts(starting);
  }

  private void keep(PartitionLedger ledger, KafkaDelivery delivery) {
    if (ledger.isProbing()) {
      probed.computeIfAbsent(ledger, probing -> new ArrayDeque<>()).add(delivery);
    } else {
      buffer.add(delivery);
    }
  }

  private void hand() {
    if (!buffer.isEmpty() && !intakeStopped) {
      int taken = engine().acceptWhileOpen(buffer);
      buffer =
          taken == buffer.size()
              ? new ArrayList<>()
              : new ArrayList<>(buffer.subList(taken, buffer.size()));
    }
    if (!probed.isEmpty() && !intakeStopped) {
      probed.entrySet().removeIf(entry -> handProbed(entry.getKey(), entry.getValue()));
    }
  }

  /** One record of a suspicious partition at a time, its start noted; true when none is left. */
  private boolean handProbed(PartitionLedger ledger, ArrayDeque<KafkaDelivery> waiting) {
    if (!ledger.isProbing()) {
      buffer.addAll(waiting);
      return true;
    }
    KafkaDelivery head = waiting.peek();
    if (head != null && ledger.frontier() == head.offset() && engine().isIntakeOpen()) {
      waiting.poll();
      commits.starts(List.of(ledger));
      engine().accept(head);
    }
    return waiting.isEmpty() && ledger.isIdle();
  }

  /** Markers of transactions and compacted ends never come as records. */
  private void passGaps() {
    if (!buffer.isEmpty()) {
      return;
    }
    ledgers.forEach(
        (partition, ledger) -> {
          if (ledger.frontier() >= 0 && ledger.isIdle()) {
            position(partition, Duration.ZERO).ifPresent(ledger::nothingUpTo);
          }
        });
  }

  private void end() {
    try {
      commits.farewell(ledgers.values(), REVOKE_LIMIT);
      ledgers.clear();
      consumer.close(CloseOptions.timeout(REVOKE_LIMIT));
    } catch (RuntimeException e) {
      log.warn("consumer did not close cleanly: {}", e.toString());
    }
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    Map<TopicPartition, OffsetAndMetadata> left = commits.ofPredecessors(partitions);
    // All of them first: what is assigned and has no ledger would be read and forgotten.
    for (TopicPartition partition : partitions) {
      ledgers.put(partition, new PartitionLedger(partition, runtime.time().nanoTime()));
    }
    List<PartitionLedger> begun = new ArrayList<>();
    long end = runtime.time().nanoTime() + POSITIONS_LIMIT.toNanos();
    for (TopicPartition partition : partitions) {
      Duration rest = Duration.ofNanos(Math.max(0, end - runtime.time().nanoTime()));
      begin(partition, left, rest, begun);
    }
    commits.bases(begun);
    assigned.countDown();
  }

  private void begin(
      TopicPartition partition,
      Map<TopicPartition, OffsetAndMetadata> left,
      Duration limit,
      List<PartitionLedger> begun) {
    boolean first = left.containsKey(partition) && left.get(partition) == null;
    if (first && KafkaNames.isOwn(partition.topic())) {
      // What is sent back or waits there is the group's own, wherever it began with the source.
      consumer.seekToBeginning(Set.of(partition));
    }
    // Settles where a new group begins now, not when the first record is fetched.
    OptionalLong position = position(partition, limit);
    PartitionLedger ledger = Objects.requireNonNull(ledgers.get(partition));
    OffsetAndMetadata committed = left.get(partition);
    if (position.isEmpty()) {
      log.warn("where {} begins is not known yet", partition);
    } else if (committed != null && committed.offset() == position.getAsLong()) {
      ledger.restore(
          committed.offset(),
          CommitNote.decode(committed.offset(), committed.metadata()),
          subscription.maxInFlight());
    } else if (first && isFromTheEnd()) {
      ledger.begin(position.getAsLong());
      begun.add(ledger);
    }
  }

  private boolean isFromTheEnd() {
    return subscription.startAt().filter(start -> start == StartPosition.LATEST).isPresent();
  }

  /** Empty if it is not known in time. */
  private OptionalLong position(TopicPartition partition, Duration limit) {
    try {
      return OptionalLong.of(consumer.position(partition, limit));
    } catch (TimeoutException e) {
      return OptionalLong.empty();
    }
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    List<PartitionLedger> leaving = leaving(partitions);
    leaving.forEach(engine()::stopScope);
    long end = runtime.time().nanoTime() + REVOKE_LIMIT.toNanos();
    for (PartitionLedger ledger : leaving) {
      engine()
          .awaitScopeIdle(ledger, Duration.ofNanos(Math.max(0, end - runtime.time().nanoTime())));
    }
    commits.farewell(leaving, REVOKE_LIMIT);
    forget(leaving);
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    forget(leaving(partitions));
  }

  private List<PartitionLedger> leaving(Collection<TopicPartition> partitions) {
    List<PartitionLedger> leaving =
        partitions.stream().filter(ledgers::containsKey).map(ledgers::get).toList();
    buffer.removeIf(delivery -> leaving.contains(delivery.ledger()));
    leaving.forEach(probed::remove);
    paused.removeAll(partitions);
    partitions.forEach(delays::forget);
    return leaving;
  }

  private void forget(List<PartitionLedger> leaving) {
    for (PartitionLedger ledger : leaving) {
      engine().revoke(ledger);
      ledgers.remove(ledger.partition());
    }
  }

  @Override
  public void acknowledge(RawDelivery delivery) {
    ((KafkaDelivery) delivery).finished();
  }

  /** Its offset stays unfinished, so whoever reads the partition next reads it again. */
  @Override
  public void giveBack(RawDelivery delivery) {}
}
