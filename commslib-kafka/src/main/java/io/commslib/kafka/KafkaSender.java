package io.commslib.kafka;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.spi.WireMessage;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/** Publishes records and says with what certainty each one failed. */
final class KafkaSender {

  private final Producer<byte[], byte[]> producer;
  private volatile String lastError = "";

  KafkaSender(KafkaTransportConfig config) {
    this.producer = new KafkaProducer<>(ClientSettings.producer(config));
  }

  CompletionStage<PublishReceipt> send(
      String topic, Destination to, String messageId, WireMessage wire) {
    return send(KafkaRecords.record(topic, wire), to, messageId);
  }

  CompletionStage<PublishReceipt> send(
      ProducerRecord<byte[], byte[]> record, Destination to, String messageId) {
    Sending sending = new Sending(to, messageId);
    try {
      // The callback is told of every outcome; the future would only say the same again.
      var unused = producer.send(record, sending::complete);
    } catch (KafkaException | IllegalStateException e) {
      sending.complete(null, e);
    }
    sending.handedOver = true;
    return sending.result.minimalCompletionStage();
  }

  /** The number of partitions of a topic, as the client knows it; 0 if it does not. */
  int partitions(String topic) {
    try {
      return producer.partitionsFor(topic).size();
    } catch (KafkaException e) {
      return 0;
    }
  }

  /**
   * The callback also runs inside {@code send}, for what failed before it was handed to the sender.
   */
  private final class Sending {
    private final CompletableFuture<PublishReceipt> result = new CompletableFuture<>();
    private final Destination to;
    private final String messageId;
    private final Thread caller = Thread.currentThread();
    private volatile boolean handedOver;

    Sending(Destination to, String messageId) {
      this.to = to;
      this.messageId = messageId;
    }

    void complete(@Nullable RecordMetadata metadata, @Nullable Exception failure) {
      if (failure == null && metadata != null) {
        lastError = "";
        result.complete(
            new PublishReceipt(
                messageId,
                to,
                metadata.topic() + "-" + metadata.partition() + "@" + metadata.offset()));
        return;
      }
      Exception cause = failure == null ? new IllegalStateException("no metadata") : failure;
      lastError = cause.getClass().getSimpleName();
      boolean before = !handedOver && Thread.currentThread() == caller;
      result.completeExceptionally(KafkaErrors.publish(cause, before, to, messageId));
    }
  }

  Health health() {
    String error = lastError;
    return Health.of(error.isEmpty() ? Health.Status.UP : Health.Status.DOWN, error, Map.of());
  }

  void close(Duration timeout) {
    producer.close(timeout);
  }
}
