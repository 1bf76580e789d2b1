package io.commslib.kafka;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.CommsRuntime;
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

/** Publishes records and reports with which certainty each one failed. */
final class KafkaSender {

  /** Added to the publish timeout, after which the client fails what is unconfirmed. */
  private static final Duration CLOSE_MARGIN = Duration.ofSeconds(2);

  /** The time for which health reports a failed publish, unless another one is confirmed. */
  private static final Duration ERROR_REPORTED_FOR = Duration.ofSeconds(5);

  /** Added to two publish timeouts: the client fails buffered and sent messages after one each. */
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

  /** The client's own thread; known from the first confirmation on. */
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
      String topic, Destination to, String messageId, ForeignRecord wire) {
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
        // The callback receives every outcome, so the future is not needed.
        var unused = producer.send(record, sending::complete);
      } while (sending.waitsForBufferAgain());
    } catch (KafkaException | IllegalStateException e) {
      sending.complete(null, e);
    } catch (Throwable e) {
      // An error, or an exception of application code inside the client: the record may be in its
      // buffer.
      sending.sendReturned = true;
      sending.failed(e);
    }
    sending.sendReturned = true;
    return sending.result.minimalCompletionStage();
  }

  /** The number of partitions of a topic; 0 if the client does not know the topic. */
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
   * One publish, from {@code send} to its outcome. The callback also runs inside {@code send}, for
   * a message that fails before it is in the buffer.
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

    /** For the caller's thread only. */
    private int rounds = 1;

    private boolean bufferFull;

    PendingPublish(
        Producer<byte[], byte[]> producer, String topic, Destination to, String messageId) {
      this.producer = producer;
      this.topic = topic;
      this.to = to;
      this.messageId = messageId;
    }

    /** Never throws: an error would end the client's thread, and with it all publishing. */
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
        // There may be no memory for an exception of our own.
        end();
        result.completeExceptionally(e);
      }
    }

    /** Whether the last wait for buffer capacity timed out and another one may follow. */
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
      boolean inSend = !sendReturned && Thread.currentThread() == caller;
      if (inSend && KafkaErrors.isBufferFull(failure) && rounds < bufferWaitRounds) {
        rounds++;
        bufferFull = true;
        return;
      }
      PublishException reported;
      if (inSend && KafkaErrors.isTopicMissing(failure)) {
        missing.add(topic, failure);
        reported = KafkaErrors.topicMissing(failure, to, messageId);
      } else {
        if (KafkaErrors.isTopicUnknown(failure)) {
          // It was deleted, or a broker does not know it yet: later publishes need not wait for it.
          missing.add(topic, failure);
        } else if (!KafkaErrors.isMessageRejected(failure)) {
          lastErrorNanos = runtime.time().nanoTime();
          lastError = failure.getClass().getSimpleName();
        }
        reported = KafkaErrors.publish(failure, inSend, to, messageId, publishTimeout);
      }
      end();
      if (KafkaErrors.isFatalToProducer(failure)) {
        producers.failed(producer, failure);
      }
      result.completeExceptionally(reported);
    }

    private void end() {
      if (ended == 0 && ENDED.compareAndSet(this, 0, 1)) {
        unconfirmed.ended(slot);
      }
    }
  }

  /**
   * Down for a short time after a failed publish, while the producer is replaced, and while a
   * publish is older than the client should allow. Degraded while a topic is missing.
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

  /** The number of threads that wait inside {@code publish} for capacity in the client's buffer. */
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

  /** Whether this is the thread on which the client reports confirmations. */
  boolean isSenderThread() {
    return Thread.currentThread() == senderThread;
  }

  /** The longest time that {@link #close} takes. */
  Duration closeLimit() {
    return publishTimeout.plus(CLOSE_MARGIN);
  }

  /**
   * Waits for unconfirmed messages, at most for the publish timeout. In the end the client waits
   * for its own thread without a limit, and application code may hang on that thread. Therefore the
   * client is closed on a separate thread.
   */
  void close() {
    missing.close();
    Producer<byte[], byte[]> producer = producers.stop();
    if (isSenderThread()) {
      // The client detects this and does not wait.
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
      // No thread can be created.
      close.run();
    }
    CloseSequence.await(closed, closeLimit(), runtime.time());
  }
}
