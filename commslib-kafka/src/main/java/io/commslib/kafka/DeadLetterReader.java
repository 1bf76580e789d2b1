package io.commslib.kafka;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.time.TimeSource;
import io.commslib.core.wire.DeadLetterHeaders;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Reads the letters of a dead letter topic, oldest first over all partitions, up to the end of the
 * topic at the start of a window. It reads each window twice: first to build an index of the
 * current letters, then the letters themselves. Only a few letters of each partition are in memory.
 */
final class DeadLetterReader implements DeadLetterListing {

  private static final int MAX_FETCH_BYTES = 4 * 1024 * 1024;
  private static final int MIN_PARTITION_FETCH_BYTES = 16 * 1024;
  private static final int MAX_POLL_RECORDS = 100;

  /** The maximum size of decompressed bodies in memory, over all partitions. */
  private static final int MAX_UNPACKED_BYTES = 8 * 1024 * 1024;

  private static final Duration POLL = Duration.ofMillis(100);

  /**
   * A letter as it is stored.
   *
   * @param entry the place of its record, and of earlier letters that are deleted with it
   * @param timestamp the timestamp of its record
   * @param wire the message as it was received from the source
   * @param letter the letter as operators see it
   */
  record Stored(
      DeadLetterIndex.Entry entry, long timestamp, ForeignRecord wire, DeadLetter letter) {}

  /** One partition: its current letters, and those that are read and not returned yet. */
  private static final class PartitionCursor {
    final TopicPartition partition;
    final ArrayDeque<Stored> read = new ArrayDeque<>();
    DeadLetterIndex index = new DeadLetterIndex();
    final Map<Long, DeadLetterIndex.Entry> letters = new HashMap<>();
    long begin;
    long end;
    long lastLetter = -1;

    PartitionCursor(TopicPartition partition) {
      this.partition = partition;
    }
  }

  private final KafkaTransportConfig config;
  private final MessageFormat format;
  private final String boundName;
  private final Predicate<ConsumerRecord<byte[], byte[]>> isOwn;
  private final TimeSource time;
  private final String topic;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, PartitionCursor> cursors = new LinkedHashMap<>();
  private boolean more = true;

  DeadLetterReader(
      KafkaTransportConfig config,
      MessageFormat format,
      String boundName,
      Predicate<ConsumerRecord<byte[], byte[]>> isOwn,
      TimeSource time,
      String topic,
      int partitions) {
    this.config = config;
    this.format = format;
    this.boundName = boundName;
    this.isOwn = isOwn;
    this.time = time;
    this.topic = topic;
    for (int partition = 0; partition < partitions; partition++) {
      TopicPartition one = new TopicPartition(topic, partition);
      cursors.put(one, new PartitionCursor(one));
    }
    Map<String, Object> settings = ClientSettings.consumer(config);
    settings.put(
        ConsumerConfig.MAX_POLL_RECORDS_CONFIG, pollRecords(config.maxMessageBytes(), partitions));
    settings.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, MAX_FETCH_BYTES);
    settings.put(
        ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG,
        Math.max(MIN_PARTITION_FETCH_BYTES, MAX_FETCH_BYTES / Math.max(1, partitions)));
    this.consumer = new KafkaConsumer<>(settings);
    try {
      consumer.assign(cursors.keySet());
      consumer
          .beginningOffsets(cursors.keySet())
          .forEach((partition, offset) -> cursor(partition.partition()).begin = offset);
    } catch (RuntimeException | Error e) {
      consumer.close();
      throw e;
    }
  }

  /**
   * The maximum number of records of a poll. The size of a fetch is limited in stored bytes only,
   * and bodies can be many times larger when decompressed. Each partition keeps in memory what a
   * poll has returned of it.
   */
  static int pollRecords(int maxMessageBytes, int partitions) {
    long most = MAX_UNPACKED_BYTES / ((long) maxMessageBytes * Math.max(1, partitions));
    return (int) Math.max(1, Math.min(MAX_POLL_RECORDS, most));
  }

  private PartitionCursor cursor(int partition) {
    PartitionCursor cursor = cursors.get(new TopicPartition(topic, partition));
    if (cursor == null) {
      throw new IllegalStateException("partition: " + partition + " (expected: an assigned one)");
    }
    return cursor;
  }

  @Override
  public List<DeadLetter> next(int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    List<DeadLetter> page = new ArrayList<>();
    long bytes = 0;
    while (page.size() < limit) {
      Stored next = peek();
      if (next == null) {
        break;
      }
      bytes += next.wire().sizeBytes();
      if (!page.isEmpty() && bytes > MAX_PAGE_BYTES) {
        break;
      }
      page.add(take().letter());
    }
    return page;
  }

  /** Removes and returns the oldest remaining letter; it must exist, see {@link #peek}. */
  Stored take() {
    Stored oldest = peek();
    if (oldest == null) {
      throw new IllegalStateException("no letter is left");
    }
    cursor(oldest.entry().partition).read.remove();
    return oldest;
  }

  /** The oldest remaining letter; null at the end. */
  @Nullable Stored peek() {
    try {
      while (true) {
        fill();
        Stored oldest = null;
        for (PartitionCursor cursor : cursors.values()) {
          Stored head = cursor.read.peek();
          if (head != null && (oldest == null || head.timestamp() < oldest.timestamp())) {
            oldest = head;
          }
        }
        if (oldest != null || !more) {
          return oldest;
        }
        beginWindow();
      }
    } catch (KafkaException e) {
      throw KafkaErrors.operation("dead letters of " + topic, e);
    }
  }

  /** Builds the index of the next window, from the end of the previous one. */
  private void beginWindow() {
    cursors.values().forEach(cursor -> consumer.seek(cursor.partition, cursor.begin));
    consumer.resume(cursors.keySet());
    consumer
        .endOffsets(cursors.keySet())
        .forEach((partition, offset) -> cursor(partition.partition()).end = offset);
    readTo(cursor -> cursor.end, this::index);
    more = false;
    for (PartitionCursor cursor : cursors.values()) {
      cursor.letters.clear();
      cursor.lastLetter = -1;
    }
    for (DeadLetterIndex.Entry entry :
        DeadLetterIndex.letters(cursors.values().stream().map(cursor -> cursor.index).toList())) {
      PartitionCursor cursor = cursor(entry.partition);
      cursor.letters.put(entry.offset, entry);
      cursor.lastLetter = Math.max(cursor.lastLetter, entry.offset);
    }
    for (PartitionCursor cursor : cursors.values()) {
      consumer.seek(cursor.partition, cursor.begin);
      cursor.begin = cursor.index.next() >= 0 ? cursor.index.next() : cursor.end;
      more |= cursor.index.next() >= 0;
      cursor.index = new DeadLetterIndex();
    }
  }

  /** Reads until each partition with remaining letters has one in memory. */
  private void fill() {
    readTo(cursor -> cursor.read.isEmpty() ? cursor.lastLetter + 1 : 0, this::keep);
  }

  private void index(ConsumerRecord<byte[], byte[]> record) {
    if (record.value() == null || isOwn.test(record)) {
      cursor(record.partition()).index.add(record);
    }
  }

  private void keep(ConsumerRecord<byte[], byte[]> record) {
    PartitionCursor cursor = cursor(record.partition());
    DeadLetterIndex.Entry entry = cursor.letters.get(record.offset());
    if (entry != null && record.value() != null) {
      cursor.read.add(stored(record, entry));
    }
  }

  /** The offset up to which a partition is read. */
  private interface EndOffset {
    long of(PartitionCursor cursor);
  }

  private void readTo(EndOffset end, Consumer<ConsumerRecord<byte[], byte[]>> reader) {
    long limit = time.nanoTime() + config.operationTimeout().toNanos();
    while (true) {
      Map<TopicPartition, Boolean> behind = new HashMap<>();
      for (PartitionCursor cursor : cursors.values()) {
        behind.put(cursor.partition, consumer.position(cursor.partition) < end.of(cursor));
      }
      if (!behind.containsValue(true)) {
        return;
      }
      behind.forEach(
          (partition, isBehind) -> {
            if (isBehind) {
              consumer.resume(Set.of(partition));
            } else {
              consumer.pause(Set.of(partition));
            }
          });
      boolean any = false;
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
        reader.accept(record);
        any = true;
      }
      if (any) {
        limit = time.nanoTime() + config.operationTimeout().toNanos();
      } else if (time.nanoTime() - limit > 0) {
        throw KafkaErrors.operation(
            "dead letters of " + topic,
            KafkaErrors.noAnswer("operationTimeout", config.operationTimeout()));
      }
    }
  }

  private Stored stored(ConsumerRecord<byte[], byte[]> record, DeadLetterIndex.Entry entry) {
    ForeignRecord wire = DeadLetterRecords.read(record, ByteBuffer.wrap(record.value()), boundName);
    return new Stored(entry, record.timestamp(), wire, DeadLetterHeaders.read(wire, format));
  }

  @Override
  public void close() {
    try {
      consumer.close();
    } catch (RuntimeException e) {
      // A listing only reads: nothing is lost.
      return;
    }
  }
}
