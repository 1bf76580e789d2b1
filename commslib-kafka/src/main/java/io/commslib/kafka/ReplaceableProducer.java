package io.commslib.kafka;

import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import java.time.Duration;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.Producer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The producer in use. After some failures a producer is in a fatal state and publishes nothing
 * more. It is then replaced after a pause, which grows if the next producers fail too. Thread-safe.
 */
final class ReplaceableProducer {

  private static final Logger log = LoggerFactory.getLogger(ReplaceableProducer.class);

  private static final Backoff PAUSES =
      Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(30)).withoutJitter();

  /** The failure of a producer that has worked for this long does not lengthen the pause. */
  private static final Duration STABLE_AGE = Duration.ofMinutes(2);

  private final CommsRuntime runtime;
  private final Supplier<Producer<byte[], byte[]>> factory;
  private volatile Producer<byte[], byte[]> current;

  /** The reason why the producer is replaced; empty if it is usable. */
  private volatile String reason = "";

  private int replacements;
  private long createdNanos;
  private boolean closed;
  private @Nullable ScheduledTask next;

  ReplaceableProducer(CommsRuntime runtime, Supplier<Producer<byte[], byte[]>> factory) {
    this.runtime = runtime;
    this.factory = factory;
    this.current = factory.get();
    this.createdNanos = runtime.time().nanoTime();
  }

  /** The producer in use. */
  Producer<byte[], byte[]> current() {
    return current;
  }

  /** The reason why the producer in use publishes nothing more; empty if it is usable. */
  String reason() {
    return reason;
  }

  /** The client has reported that this producer is in a fatal state. */
  void failed(Producer<byte[], byte[]> producer, Throwable failure) {
    synchronized (this) {
      if (closed || producer != current || !reason.isEmpty()) {
        return;
      }
      boolean wasStable = runtime.time().nanoTime() - createdNanos > STABLE_AGE.toNanos();
      replacements = wasStable ? 1 : Math.min(30, replacements + 1);
      if (!scheduleReplacement()) {
        return;
      }
      reason =
          "the producer is in a fatal state and is being replaced: "
              + KafkaErrors.rootCauseName(failure);
    }
    log.warn("the producer is in a fatal state and is being replaced", failure);
  }

  /** Must be called with the lock held. Returns false if nothing could be scheduled. */
  private boolean scheduleReplacement() {
    try {
      next =
          runtime
              .scheduler()
              .schedule(PAUSES.next(replacements, runtime.random()), this::startReplacement);
      return true;
    } catch (Throwable e) {
      log.debug("the replacement of the producer could not be scheduled", e);
      return false;
    }
  }

  /** Runs on a thread of its own: the client resolves host names in its constructor. */
  private void startReplacement() {
    try {
      runtime.newThread("kafka-producer", this::replace).start();
    } catch (Throwable e) {
      notReplaced(e);
    }
  }

  private void replace() {
    Producer<byte[], byte[]> created;
    try {
      created = factory.get();
    } catch (Throwable e) {
      notReplaced(e);
      return;
    }
    Producer<byte[], byte[]> unused;
    synchronized (this) {
      unused = closed ? created : current;
      if (!closed) {
        current = created;
        createdNanos = runtime.time().nanoTime();
        reason = "";
      }
    }
    log.info("the producer has been replaced");
    // Messages that it has not sent fail now; it would never send them.
    CloseSequence.run("replaced producer", () -> unused.close(Duration.ZERO));
  }

  private void notReplaced(Throwable failure) {
    log.warn("replacing the producer failed and is retried", failure);
    synchronized (this) {
      replacements = Math.min(30, replacements + 1);
      if (!closed && !scheduleReplacement()) {
        reason = "";
      }
    }
  }

  /** Stops replacements; the caller closes the returned producer. */
  synchronized Producer<byte[], byte[]> stop() {
    closed = true;
    if (next != null) {
      next.cancel();
    }
    return current;
  }
}
