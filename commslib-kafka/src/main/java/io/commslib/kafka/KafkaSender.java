package io.commslib.kafka;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.spi.WireMessage;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/** Publishes records and says with what certainty each one failed. */
final class KafkaSender {

  /** Beyond the publish timeout, after which the client gives up what is unconfirmed. */
  private static final Duration CLOSE_ROOM = Duration.ofSeconds(2);

  private final Producer<byte[], byte[]> producer;
  private final Duration publishTimeout;
  private final CommsRuntime runtime;
  private volatile String lastError = "";

  /** The client's own thread, known from the first confirmation on. */
  private volatile @Nullable Thread senderThread;

  KafkaSender(KafkaTransportConfig config, CommsRuntime runtime) {
    this.publishTimeout = config.publishTimeout();
    this.runtime = runtime;
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
      Thread current = Thread.currentThread();
      if (current != caller && current != senderThread) {
        senderThread = current;
      }
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
      boolean before = !handedOver && current == caller;
      result.completeExceptionally(KafkaErrors.publish(cause, before, to, messageId));
    }
  }

  Health health() {
    String error = lastError;
    return Health.of(error.isEmpty() ? Health.Status.UP : Health.Status.DOWN, error, Map.of());
  }

  /** Whether this is the thread on which the client tells of confirmations. */
  boolean isSenderThread() {
    return Thread.currentThread() == senderThread;
  }

  /** How long {@link #close} takes at most. */
  Duration closeLimit() {
    return publishTimeout.plus(CLOSE_ROOM);
  }

  /**
   * Waits for what is unconfirmed, at most the publish timeout. The client waits without a limit
   * for its own thread in the end, on which an application's code may hang; so it does that on a
   * thread of its own.
   */
  void close() {
    if (isSenderThread()) {
      // The client notices, and waits for nothing.
      producer.close(Duration.ZERO);
      return;
    }
    CountDownLatch closed = new CountDownLatch(1);
    Runnable close =
        () -> Closing.run("producer", () -> producer.close(publishTimeout), closed::countDown);
    try {
      runtime.newThread("kafka-close", close).start();
    } catch (RuntimeException | Error e) {
      // No thread to be had.
      close.run();
    }
    Closing.await(closed, closeLimit(), runtime.time());
  }
}
