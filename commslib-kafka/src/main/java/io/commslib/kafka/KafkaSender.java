package io.commslib.kafka;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.wire.WireMessage;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.jspecify.annotations.Nullable;

/** Publishes records and says with what certainty each one failed. */
final class KafkaSender {

  /** Beyond the publish timeout, after which the client gives up what is unconfirmed. */
  private static final Duration CLOSE_MARGIN = Duration.ofSeconds(2);

  /** For how long a failed publish is shown, unless another one is confirmed before. */
  private static final Duration ERROR_REPORTED_FOR = Duration.ofSeconds(5);

  /** The client gives up what waits, and then what is sent, within a publish timeout each. */
  private static final Duration EXPIRY_MARGIN = Duration.ofSeconds(10);

  private static final AtomicIntegerFieldUpdater<PendingPublish> ENDED =
      AtomicIntegerFieldUpdater.newUpdater(PendingPublish.class, "ended");

  private final ReplaceableProducer producers;
  private final Duration publishTimeout;
  private final CommsRuntime runtime;
  private final int bufferWaitRounds;
  private final MissingTopics missing;
  private final UnconfirmedPublishes unconfirmed = new UnconfirmedPublishes();
  private volatile String lastError = "";
  private volatile long lastErrorNanos;

  /** The client's own thread, known from the first confirmation on. */
  private volatile @Nullable Thread senderThread;

  KafkaSender(KafkaTransportConfig config, CommsRuntime runtime, MissingTopics missing) {
    this(config, runtime, missing, () -> new KafkaProducer<>(ClientSettings.producer(config)));
  }

  KafkaSender(
      KafkaTransportConfig config,
      CommsRuntime runtime,
      MissingTopics missing,
      Supplier<Producer<byte[], byte[]>> factory) {
    this.publishTimeout = config.publishTimeout();
    this.bufferWaitRounds = ClientSettings.bufferWaitRounds(config);
    this.missing = missing;
    this.runtime = runtime;
    this.producers = new ReplaceableProducer(runtime, factory);
  }

  CompletionStage<PublishReceipt> send(
      String topic, Destination to, String messageId, WireMessage wire) {
    return send(KafkaRecords.record(topic, wire), to, messageId);
  }

  CompletionStage<PublishReceipt> send(
      ProducerRecord<byte[], byte[]> record, Destination to, String messageId) {
    Optional<Throwable> known = missing.failure(record.topic());
    if (known.isPresent()) {
      return CompletableFuture.failedStage(KafkaErrors.topicMissing(known.get(), to, messageId));
    }
    Producer<byte[], byte[]> producer = producers.current();
    PendingPublish sending = new PendingPublish(producer, record.topic(), to, messageId);
    try {
      do {
        // The callback is told of every outcome; the future would only say the same again.
        var unused = producer.send(record, sending::complete);
      } while (sending.waitsForBufferAgain());
    } catch (KafkaException | IllegalStateException e) {
      sending.complete(null, e);
    } catch (Throwable e) {
      // An error, or an exception of code that the application gave to the client: whether it has
      // taken the record is not known.
      sending.sendReturned = true;
      sending.failed(e);
    }
    sending.sendReturned = true;
    return sending.result.minimalCompletionStage();
  }

  /** The number of partitions of a topic, as the client knows it; 0 if it does not. */
  int partitions(String topic) {
    if (missing.failure(topic).isPresent()) {
      return 0;
    }
    try {
      return producers.current().partitionsFor(topic).size();
    } catch (KafkaException | IllegalStateException e) {
      return 0;
    }
  }

  /**
   * The callback also runs inside {@code send}, for what failed before it was handed to the sender.
   */
  private final class PendingPublish {
    private final CompletableFuture<PublishReceipt> result = new CompletableFuture<>();
    private final Producer<byte[], byte[]> producer;
    private final String topic;
    private final Destination to;
    private final String messageId;
    private final Thread caller = Thread.currentThread();
    private final int slot = unconfirmed.began(runtime.time().nanoTime());
    private volatile int ended;
    private volatile boolean sendReturned;

    /** Of the caller's thread only. */
    private int rounds = 1;

    private boolean bufferFull;

    PendingPublish(
        Producer<byte[], byte[]> producer, String topic, Destination to, String messageId) {
      this.producer = producer;
      this.topic = topic;
      this.to = to;
      this.messageId = messageId;
    }

    /**
     * The client's thread would end with an error that it meets here, and with it all publishing.
     */
    void complete(@Nullable RecordMetadata metadata, @Nullable Exception failure) {
      try {
        Thread current = Thread.currentThread();
        if (current != caller && current != senderThread) {
          senderThread = current;
        }
        if (failure == null && metadata != null) {
          lastError = "";
          confirmed(metadata);
        } else {
          failed(failure == null ? new IllegalStateException("no metadata") : failure);
        }
      } catch (Throwable e) {
        // Neither a text nor an exception may be had now.
        end();
        result.completeExceptionally(e);
      }
    }

    /** Whether the last round ended without room, and another one may follow. */
    boolean waitsForBufferAgain() {
      boolean again = bufferFull;
      bufferFull = false;
      return again;
    }

    private void confirmed(RecordMetadata metadata) {
      PublishReceipt receipt =
          new PublishReceipt(
              messageId,
              to,
              metadata.topic() + "-" + metadata.partition() + "@" + metadata.offset());
      end();
      result.complete(receipt);
    }

    private void failed(Throwable failure) {
      boolean before = !sendReturned && Thread.currentThread() == caller;
      if (before && KafkaErrors.isBufferFull(failure) && rounds < bufferWaitRounds) {
        rounds++;
        bufferFull = true;
        return;
      }
      PublishException told;
      if (before && KafkaErrors.isTopicMissing(failure)) {
        missing.add(topic, failure);
        told = KafkaErrors.topicMissing(failure, to, messageId);
      } else {
        if (KafkaErrors.isTopicUnknown(failure)) {
          // It was deleted, or a broker does not know it yet: the next ones need not wait for it.
          missing.add(topic, failure);
        } else if (!KafkaErrors.isMessageRejected(failure)) {
          lastErrorNanos = runtime.time().nanoTime();
          lastError = failure.getClass().getSimpleName();
        }
        told = KafkaErrors.publish(failure, before, to, messageId, publishTimeout);
      }
      end();
      if (KafkaErrors.isFatalToProducer(failure)) {
        producers.failed(producer, failure);
      }
      result.completeExceptionally(told);
    }

    private void end() {
      if (ended == 0 && ENDED.compareAndSet(this, 0, 1)) {
        unconfirmed.ended(slot);
      }
    }
  }

  /**
   * Down for a short while after a failed publish, while the producer is replaced, and while the
   * client does not even give up what is older than it may become. Degraded while a topic is
   * missing.
   */
  Health health(Map<String, String> more) {
    long now = runtime.time().nanoTime();
    Duration oldest = unconfirmed.oldest(now);
    Map<String, String> details = new HashMap<>(more);
    details.put("oldestUnconfirmed", oldest.toString());
    details.put("waitingForRoom", Long.toString(threadsWaitingForBuffer()));
    String reason = producers.reason();
    if (!reason.isEmpty()) {
      return Health.of(Health.Status.DOWN, reason, details);
    }
    if (oldest.compareTo(publishTimeout.multipliedBy(2).plus(EXPIRY_MARGIN)) > 0) {
      reason = "a publish has had no outcome for " + oldest.toSeconds() + " s";
    } else if (now - lastErrorNanos < ERROR_REPORTED_FOR.toNanos()) {
      reason = lastError;
    }
    if (!reason.isEmpty()) {
      return Health.of(Health.Status.DOWN, reason, details);
    }
    Set<String> topics = missing.names();
    return topics.isEmpty()
        ? Health.of(Health.Status.UP, "", details)
        : Health.of(Health.Status.DEGRADED, "topics not found: " + topics, details);
  }

  /** The number of threads that wait inside {@code publish} until the client's buffer has room. */
  private long threadsWaitingForBuffer() {
    for (Map.Entry<MetricName, ? extends Metric> metric :
        producers.current().metrics().entrySet()) {
      if (metric.getKey().name().equals("waiting-threads")
          && metric.getValue().metricValue() instanceof Number number) {
        return number.longValue();
      }
    }
    return 0;
  }

  /** Whether this is the thread on which the client tells of confirmations. */
  boolean isSenderThread() {
    return Thread.currentThread() == senderThread;
  }

  /** How long {@link #close} takes at most. */
  Duration closeLimit() {
    return publishTimeout.plus(CLOSE_MARGIN);
  }

  /**
   * Waits for what is unconfirmed, at most the publish timeout. The client waits without a limit
   * for its own thread in the end, on which an application's code may hang; so it does that on a
   * thread of its own.
   */
  void close() {
    missing.close();
    Producer<byte[], byte[]> producer = producers.stop();
    if (isSenderThread()) {
      // The client notices, and waits for nothing.
      producer.close(Duration.ZERO);
      return;
    }
    CountDownLatch closed = new CountDownLatch(1);
    Runnable close =
        () ->
            CloseSequence.run("producer", () -> producer.close(publishTimeout), closed::countDown);
    try {
      runtime.newThread("kafka-close", close).start();
    } catch (RuntimeException | Error e) {
      // No thread to be had.
      close.run();
    }
    CloseSequence.await(closed, closeLimit(), runtime.time());
  }
}
