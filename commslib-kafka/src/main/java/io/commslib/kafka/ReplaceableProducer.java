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
 * The producer that is in use. After some failures a producer is in a fatal state and publishes
 * nothing more; such a producer is replaced after a pause, which grows while the next ones fail
 * too. Thread-safe.
 */
final class ReplaceableProducer {

  private static final Logger log = LoggerFactory.getLogger(ReplaceableProducer.class);

  private static final Backoff PAUSES =
      Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(30)).withoutJitter();

  /** A producer that works for as long is no reason to wait longer for the next one. */
  private static final Duration STABLE_AGE = Duration.ofMinutes(2);

  private final CommsRuntime runtime;
  private final Supplier<Producer<byte[], byte[]>> factory;
  private volatile Producer<byte[], byte[]> current;

  /** Why the producer is to be replaced; empty if it is not. */
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

  /** Why the producer in use publishes nothing more; empty if it publishes. */
  String reason() {
    return reason;
  }

  /** The client has said that this producer publishes nothing more. */
  void failed(Producer<byte[], byte[]> producer, Throwable failure) {
    synchronized (this) {
      if (closed || producer != current || !reason.isEmpty()) {
        return;
      }
      boolean wasGood = runtime.time().nanoTime() - createdNanos > STABLE_AGE.toNanos();
      replacements = wasGood ? 1 : Math.min(30, replacements + 1);
      if (!scheduleReplacement()) {
        return;
      }
      reason =
          "the producer is in a fatal state and is being replaced: "
              + KafkaErrors.rootCauseName(failure);
    }
    log.warn("the producer is in a fatal state and is being replaced", failure);
  }

  /** Lock held. Returns false if nothing could be scheduled: the next failure tries again. */
  private boolean scheduleReplacement() {
    try {
      next =
          runtime
              .scheduler()
              .schedule(PAUSES.next(replacements, runtime.random()), this::startReplacement);
      return true;
    } catch (Throwable e) {
      log.debug("the producer can't be replaced for now", e);
      return false;
    }
  }

  /** On a thread of its own: the client looks up host names while it is made. */
  private void startReplacement() {
    try {
      runtime.newThread("kafka-producer", this::replace).start();
    } catch (Throwable e) {
      notReplaced(e);
    }
  }

  private void replace() {
    Producer<byte[], byte[]> made;
    try {
      made = factory.get();
    } catch (Throwable e) {
      notReplaced(e);
      return;
    }
    Producer<byte[], byte[]> unused;
    synchronized (this) {
      unused = closed ? made : current;
      if (!closed) {
        current = made;
        createdNanos = runtime.time().nanoTime();
        reason = "";
      }
    }
    log.info("the producer is replaced");
    // What it has not sent yet it never will: it fails now.
    CloseSequence.run("replaced producer", () -> unused.close(Duration.ZERO));
  }

  private void notReplaced(Throwable failure) {
    log.warn("the producer could not be replaced, which is tried again", failure);
    synchronized (this) {
      replacements = Math.min(30, replacements + 1);
      if (!closed && !scheduleReplacement()) {
        reason = "";
      }
    }
  }

  /** Replaces the producer no more; the caller closes the one that is returned. */
  synchronized Producer<byte[], byte[]> stop() {
    closed = true;
    if (next != null) {
      next.cancel();
    }
    return current;
  }
}
