package io.commslib.kafka;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.TimeSource;
import io.commslib.core.wire.DeadLetterHeaders;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/**
 * The dead letters of each group in a compacted topic; a tombstone deletes a letter. A letter is in
 * the partition with the same number as that of its original record, so that the letters of a key
 * keep their order.
 */
final class KafkaDeadLetters implements DeadLetters {

  private final KafkaTransportConfig config;
  private final KafkaBindings bindings;
  private final Function<Destination, MessageFormat> formats;
  private final KafkaSender sender;
  private final TopicAdmin admin;
  private final TimeSource time;

  KafkaDeadLetters(
      KafkaTransportConfig config,
      KafkaBindings bindings,
      Function<Destination, MessageFormat> formats,
      KafkaSender sender,
      TopicAdmin admin,
      TimeSource time) {
    this.config = config;
    this.bindings = bindings;
    this.formats = formats;
    this.sender = sender;
    this.admin = admin;
    this.time = time;
  }

  /** Publishes a letter; it is confirmed when the stage completes. */
  CompletionStage<PublishReceipt> add(Destination source, String group, ForeignRecord letter) {
    DeadLetter read = DeadLetterHeaders.read(letter, formats.apply(source));
    String topic = topic(source, group);
    ProducerRecord<byte[], byte[]> record =
        DeadLetterRecords.write(topic, partition(topic, read), letter, read);
    CompletableFuture<PublishReceipt> added = new CompletableFuture<>();
    sender
        .send(record, source, read.messageId())
        .whenComplete(
            (receipt, failure) -> {
              if (failure == null) {
                added.complete(receipt);
              } else {
                added.completeExceptionally(
                    KafkaErrors.deadLetter(failure, topic, RecordSizes.of(record)));
              }
            });
    return added;
  }

  private String topic(Destination source, String group) {
    return bindings.group(source, group).requireDeadLetters();
  }

  /**
   * The partition of a letter. With fewer partitions than the source has, letters of one key are
   * still in one partition. Null if it is unknown, and the client decides.
   */
  private @Nullable Integer partition(String topic, DeadLetter letter) {
    OptionalInt original = originalPartition(letter);
    return original.isEmpty() ? null : sameOrFewer(topic, original.getAsInt());
  }

  private static OptionalInt originalPartition(DeadLetter letter) {
    String partition = letter.cause().get("partition");
    return partition != null && partition.matches("[0-9]{1,6}")
        ? OptionalInt.of(Integer.parseInt(partition))
        : OptionalInt.empty();
  }

  private @Nullable Integer sameOrFewer(String topic, int number) {
    int partitions = sender.partitions(topic);
    return partitions == 0 ? null : number % partitions;
  }

  /** Publishes a letter and waits for the confirmation. */
  void addConfirmed(Destination source, String group, ForeignRecord letter) {
    await(add(source, group, letter));
  }

  /** The topic of a destination. */
  String boundName(Destination source) {
    return bindings.topic(source);
  }

  /** The format of a destination. */
  MessageFormat format(Destination source) {
    return formats.apply(source);
  }

  /** The id of the consumer group. */
  String groupId(Destination source, String group) {
    return bindings.group(source, group).groupId();
  }

  int requireGroup(Destination source, String group) {
    String topic = topic(source, group);
    int partitions = admin.partitions(topic);
    if (partitions == 0) {
      throw KafkaErrors.operation(
          "dead letters of " + source,
          new IllegalStateException(
              "group: " + group + " (expected: one that has a topic " + topic + ")"));
    }
    return partitions;
  }

  @Override
  public DeadLetterListing open(Destination source, String group) {
    return hasNone(source, group) ? new NoDeadLetters() : reader(source, group);
  }

  /** Whether the group has no dead letters on purpose. */
  private boolean hasNone(Destination source, String group) {
    return bindings.group(source, group).hasNoDeadLetters();
  }

  private DeadLetterReader reader(Destination source, String group) {
    int partitions = requireGroup(source, group);
    String topic = topic(source, group);
    try {
      return new DeadLetterReader(
          config,
          formats.apply(source),
          bindings.topic(source),
          record -> DeadLetterRecords.isOf(source, group, record),
          time,
          topic,
          partitions);
    } catch (KafkaException e) {
      throw KafkaErrors.operation("dead letters of " + topic, e);
    }
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    GroupNames names = bindings.group(source, group);
    if (names.hasNoDeadLetters()) {
      return 0;
    }
    String target = names.redrive().orElseThrow(() -> names.unnamed("redrive", "redrive"));
    RedriveInFlight inFlight = new RedriveInFlight(this::await);
    try (DeadLetterReader reader = reader(source, group)) {
      while (reader.peek() != null) {
        DeadLetterReader.Stored stored = reader.take();
        if (select.test(stored.letter())) {
          String id = stored.letter().messageId();
          ForeignRecord redriven = DeadLetterHeaders.redriven(stored.wire());
          inFlight.add(
              stored.letter().key().orElse(null),
              redriven.sizeBytes(),
              () -> sender.send(redriven(target, stored, redriven), source, id),
              () -> tombstone(source, group, stored));
        }
      }
      return inFlight.finish();
    } catch (RuntimeException | Error e) {
      finishSent(inFlight, e);
      throw e;
    }
  }

  /**
   * The record to send. Its key chooses the partition, unless the format orders records by
   * something else. Then it is the partition of the original record or, if that is unknown, of the
   * letter, so that the redriven records of an ordering key are in one partition.
   */
  private ProducerRecord<byte[], byte[]> redriven(
      String topic, DeadLetterReader.Stored stored, ForeignRecord record) {
    byte[] key = record.key().orElse(null);
    Integer partition =
        key != null && isOrderedBy(key, record, stored.letter())
            ? null
            : sameOrFewer(
                topic, originalPartition(stored.letter()).orElse(stored.entry().partition));
    return KafkaRecords.record(
        topic, partition, key, record, record.hasBody() ? record.body() : null);
  }

  private static boolean isOrderedBy(byte[] key, ForeignRecord record, DeadLetter letter) {
    Optional<String> ordering = letter.key();
    return ordering.isEmpty()
        || ordering.equals(record.keyText())
        || ordering.get().equals(OrderingKeys.of(key));
  }

  /**
   * Deletes the letters that were sent before the failure; otherwise they would be redriven twice.
   * Stops after two publish timeouts, since each letter may wait for a broker that is down.
   */
  private void finishSent(RedriveInFlight inFlight, Throwable failure) {
    long end = time.nanoTime() + config.publishTimeout().toNanos() * 2;
    while (!inFlight.isEmpty() && time.nanoTime() - end < 0) {
      try {
        inFlight.finish();
      } catch (RuntimeException e) {
        failure.addSuppressed(e);
      }
    }
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    if (hasNone(source, group)) {
      return 0;
    }
    int count = 0;
    try (DeadLetterReader reader = reader(source, group)) {
      while (reader.peek() != null) {
        DeadLetterReader.Stored stored = reader.take();
        if (select.test(stored.letter())) {
          await(tombstone(source, group, stored));
          count++;
        }
      }
    }
    return count;
  }

  private CompletionStage<?> tombstone(
      Destination source, String group, DeadLetterReader.Stored stored) {
    String topic = topic(source, group);
    return CompletableFuture.allOf(
        Stream.concat(Stream.of(stored.entry()), stored.entry().earlier.stream())
            .map(
                entry ->
                    new ProducerRecord<byte[], byte[]>(topic, entry.partition, entry.key, null))
            .map(tombstone -> sender.send(tombstone, source, stored.letter().messageId()))
            .map(CompletionStage::toCompletableFuture)
            .toArray(CompletableFuture[]::new));
  }

  private void await(CompletionStage<?> stage) {
    try {
      stage
          .toCompletableFuture()
          .get(config.publishTimeout().toMillis() * 2, TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw KafkaErrors.operation("dead letters", e);
    } catch (TimeoutException e) {
      throw KafkaErrors.operation(
          "dead letters",
          KafkaErrors.noAnswer("twice publishTimeout", config.publishTimeout().multipliedBy(2)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw KafkaErrors.operation("dead letters", e);
    }
  }

  /** The listing of a group that has no dead letters. */
  private static final class NoDeadLetters implements DeadLetterListing {
    @Override
    public List<DeadLetter> next(int limit) {
      return List.of();
    }

    @Override
    public void close() {}
  }
}
