package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Copies another library's dead letter topic to the dead letters of a group. The copied range is
 * stored in committed offsets of a consumer group of its own. The topic is not changed.
 */
final class DeadLetterImport {

  private final KafkaTransportConfig config;
  private final KafkaDeadLetters deadLetters;
  private final TopicAdmin admin;
  private final TimeSource time;

  DeadLetterImport(
      KafkaTransportConfig config,
      KafkaDeadLetters deadLetters,
      TopicAdmin admin,
      TimeSource time) {
    this.config = config;
    this.deadLetters = deadLetters;
    this.admin = admin;
    this.time = time;
  }

  /** Copies new letters up to the end that the topic has at the start of the call. */
  int run(String topic, Destination source, String group, int limit) {
    Map<String, Object> settings = ClientSettings.consumer(config);
    settings.put(
        ConsumerConfig.GROUP_ID_CONFIG, topic + ".import." + deadLetters.groupId(source, group));
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, Math.min(500, limit));
    int copied = 0;
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
      Map<TopicPartition, Long> ends = assign(consumer, topic);
      ForeignDeadLetter.Target target =
          new ForeignDeadLetter.Target(
              source,
              group,
              deadLetters.boundName(source),
              TopicIds.of(deadLetters.format(source), config.operationTimeout(), admin::ids)
                  .require(topic));
      long timeout = config.operationTimeout().toNanos();
      long deadline = time.nanoTime() + timeout;
      while (copied < limit && isBehind(consumer, ends)) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
        if (!records.isEmpty()) {
          copied +=
              copy(
                  consumer,
                  records,
                  limit - copied,
                  record ->
                      deadLetters.addConfirmed(
                          source, group, ForeignDeadLetter.read(record, target)));
          deadline = time.nanoTime() + timeout;
        } else if (time.nanoTime() - deadline > 0) {
          throw new TimeoutException("no progress for " + config.operationTimeout());
        }
      }
      return copied;
    } catch (KafkaException | TimeoutException e) {
      throw KafkaErrors.operation("import dead letters of " + topic, e);
    }
  }

  private static Map<TopicPartition, Long> assign(
      KafkaConsumer<byte[], byte[]> consumer, String topic) {
    List<TopicPartition> partitions =
        consumer.partitionsFor(topic).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .toList();
    if (partitions.isEmpty()) {
      throw new KafkaException("no topic " + topic);
    }
    consumer.assign(partitions);
    return consumer.endOffsets(partitions);
  }

  private static boolean isBehind(
      KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
    return ends.entrySet().stream()
        .anyMatch(end -> consumer.position(end.getKey()) < end.getValue());
  }

  /**
   * Adds letters until one can't be added. The reached offset is committed in any case: a letter
   * that was added and not committed would be copied again after its redrive.
   */
  static int copy(
      Consumer<byte[], byte[]> consumer,
      ConsumerRecords<byte[], byte[]> records,
      int limit,
      java.util.function.Consumer<ConsumerRecord<byte[], byte[]>> add) {
    Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
    Throwable failure = null;
    int copied = 0;
    try {
      for (ConsumerRecord<byte[], byte[]> record : records) {
        if (copied == limit) {
          break;
        }
        add.accept(record);
        done.put(
            new TopicPartition(record.topic(), record.partition()),
            new OffsetAndMetadata(record.offset() + 1));
        copied++;
      }
    } catch (RuntimeException | Error e) {
      failure = e;
    }
    try {
      consumer.commitSync(done);
    } catch (KafkaException e) {
      if (failure == null) {
        throw e;
      }
      failure.addSuppressed(e);
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
    return copied;
  }
}
