package io.commslib.kafka;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.spi.Checks;
import io.commslib.core.spi.CloudEventsEnvelope;
import io.commslib.core.spi.DeadLetterHeaders;
import io.commslib.core.spi.WireMessage;
import io.commslib.core.time.TimeSource;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Dead letters in a compacted topic per group, keyed by message id and how often it was redriven; a
 * tombstone takes one out, and never the letter of a redrive that failed meanwhile. The original
 * key travels in a header.
 */
final class KafkaDeadLetters implements DeadLetters {

  private static final String ORIGINAL_KEY = CloudEventsEnvelope.RESERVED_PREFIX + "key";

  /** A letter; under other keys its earlier ones may still stand, which leave with it. */
  private record Entry(List<String> keys, long timestamp, WireMessage wire, DeadLetter letter) {

    String id() {
      return letter.messageId();
    }

    Entry with(Entry other) {
      Entry later = other.letter.redriveCount() >= letter.redriveCount() ? other : this;
      List<String> all = new ArrayList<>(keys);
      all.addAll(other.keys);
      return new Entry(all, later.timestamp, later.wire, later.letter);
    }
  }

  private final KafkaTransportConfig config;
  private final CloudEventsEnvelope envelope;
  private final KafkaSender sender;
  private final KafkaTopics topics;
  private final TimeSource time;

  KafkaDeadLetters(
      KafkaTransportConfig config,
      CloudEventsEnvelope envelope,
      KafkaSender sender,
      KafkaTopics topics,
      TimeSource time) {
    this.config = config;
    this.envelope = envelope;
    this.sender = sender;
    this.topics = topics;
    this.time = time;
  }

  /** Publishes one; confirmed when the stage completes. */
  CompletionStage<PublishReceipt> add(Destination source, String group, WireMessage letter) {
    DeadLetter read = DeadLetterHeaders.read(letter, envelope);
    String id = read.messageId();
    String key = read.redriveCount() == 0 ? id : id + "\n" + read.redriveCount();
    Map<String, String> headers = new LinkedHashMap<>(letter.headers());
    letter.key().ifPresent(original -> headers.put(ORIGINAL_KEY, original));
    String topic = KafkaNames.deadLetters(source, group);
    return sender.send(
        KafkaRecords.record(topic, bytes(key), letter.withHeaders(headers)), source, id);
  }

  /** Publishes one and waits for the confirmation. */
  void addConfirmed(Destination source, String group, WireMessage letter) {
    await(add(source, group, letter));
  }

  void requireGroup(Destination source, String group) {
    if (topics.partitions(KafkaNames.deadLetters(source, group)) == 0) {
      throw KafkaErrors.operation(
          "dead letters", new IllegalStateException("no group " + group + " of " + source));
    }
  }

  @Override
  public List<DeadLetter> list(Destination source, String group, int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    return read(source, group).stream().limit(limit).map(Entry::letter).toList();
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    RedriveWindow window = new RedriveWindow(this::await);
    try {
      for (Entry entry : read(source, group)) {
        if (select.test(entry.letter())) {
          WireMessage back = DeadLetterHeaders.redriven(entry.wire());
          window.add(
              entry.wire().key().orElse(null),
              () -> sender.send(KafkaNames.redrive(source, group), source, entry.id(), back),
              () -> tombstone(source, group, entry));
        }
      }
      return window.finish();
    } catch (RuntimeException e) {
      finishSent(window, e);
      throw e;
    }
  }

  /**
   * What was sent before the failure is struck off, else it comes twice; given up when that takes
   * too long, since each may have to wait for a broker that is down.
   */
  private void finishSent(RedriveWindow window, RuntimeException failure) {
    long end = time.nanoTime() + config.publishTimeout().toNanos() * 2;
    while (!window.isEmpty() && time.nanoTime() - end < 0) {
      try {
        window.finish();
      } catch (RuntimeException e) {
        failure.addSuppressed(e);
      }
    }
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    int count = 0;
    for (Entry entry : read(source, group)) {
      if (select.test(entry.letter())) {
        await(tombstone(source, group, entry));
        count++;
      }
    }
    return count;
  }

  private CompletionStage<?> tombstone(Destination source, String group, Entry entry) {
    String topic = KafkaNames.deadLetters(source, group);
    return CompletableFuture.allOf(
        entry.keys().stream()
            .map(key -> new ProducerRecord<byte[], byte[]>(topic, bytes(key), null))
            .map(tombstone -> sender.send(tombstone, source, entry.id()).toCompletableFuture())
            .toArray(CompletableFuture[]::new));
  }

  private void await(CompletionStage<?> stage) {
    try {
      stage
          .toCompletableFuture()
          .get(config.publishTimeout().toMillis() * 2, TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw KafkaErrors.operation("dead letters", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw KafkaErrors.operation("dead letters", e);
    }
  }

  /**
   * Reads the topic from its beginning to where it ended when asked; the last record of a key
   * counts.
   */
  private List<Entry> read(Destination source, String group) {
    String topic = KafkaNames.deadLetters(source, group);
    requireGroup(source, group);
    int partitions = topics.partitions(topic);
    List<TopicPartition> all = new ArrayList<>();
    for (int partition = 0; partition < partitions; partition++) {
      all.add(new TopicPartition(topic, partition));
    }
    Map<String, ConsumerRecord<byte[], byte[]>> last = new LinkedHashMap<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(ClientSettings.consumer(config))) {
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      long limit = time.nanoTime() + config.operationTimeout().toNanos();
      while (ends.entrySet().stream()
          .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
        if (time.nanoTime() - limit > 0) {
          throw KafkaErrors.operation(
              "dead letters of " + topic,
              new TimeoutException(config.operationTimeout().toString()));
        }
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          last.put(String.valueOf(KafkaRecords.key(record)), record);
        }
      }
    } catch (KafkaException e) {
      throw KafkaErrors.operation("dead letters of " + topic, e);
    }
    Map<String, Entry> entries = new HashMap<>();
    last.values().stream()
        .filter(record -> record.value() != null)
        .map(this::entry)
        .forEach(entry -> entries.merge(entry.id(), entry, Entry::with));
    return entries.values().stream().sorted(Comparator.comparingLong(Entry::timestamp)).toList();
  }

  private Entry entry(ConsumerRecord<byte[], byte[]> record) {
    WireMessage stored =
        KafkaRecords.wire(record, KafkaRecords.key(record), ByteBuffer.wrap(record.value()), true);
    Map<String, String> headers = new LinkedHashMap<>(stored.headers());
    String key = headers.remove(ORIGINAL_KEY);
    WireMessage wire = new WireMessage(key, headers, stored.body());
    return new Entry(
        List.of(String.valueOf(KafkaRecords.key(record))),
        record.timestamp(),
        wire,
        DeadLetterHeaders.read(wire, envelope));
  }

  private static byte[] bytes(String id) {
    return id.getBytes(StandardCharsets.UTF_8);
  }
}
