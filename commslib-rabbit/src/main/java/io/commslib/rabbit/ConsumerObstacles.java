package io.commslib.rabbit;

import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The obstacle of one consumer, with a backoff of its own: remembers and logs it, and tries again
 * after a wait that grows while it lasts. Thread-safe.
 */
final class ConsumerObstacles {

  private static final Logger log = LoggerFactory.getLogger(ConsumerObstacles.class);

  /** Waits before a member that stands by, or can't consume, tries again. */
  private static final Backoff RETRIES =
      Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(5)).withoutJitter();

  /**
   * Waits before an unsuitable queue is tried again. Each attempt may count a delivery of a message
   * there, and the queue may drop what was delivered too often.
   */
  private static final Backoff RETRIES_OF_AN_UNSUITABLE_QUEUE =
      Backoff.exponential(Duration.ofMinutes(1), Duration.ofHours(1)).withoutJitter();

  /** Above this number the waits no longer grow. */
  private static final int MAX_FAILURES = 20;

  private final String queue;
  private final CommsRuntime runtime;
  private final Runnable attempt;
  private final AtomicReference<@Nullable ScheduledTask> retry = new AtomicReference<>();
  private volatile Obstacle current = Obstacle.NONE;
  private volatile boolean closed;

  /** Attempts in a row that found an obstacle of the same kind; confined to the attempts. */
  private int failures;

  ConsumerObstacles(String queue, CommsRuntime runtime, Runnable attempt) {
    this.queue = queue;
    this.runtime = runtime;
    this.attempt = attempt;
  }

  Obstacle current() {
    return current;
  }

  /** An attempt has found an obstacle. */
  void found(Obstacle next) {
    failures = next.status() == current.status() ? Math.min(MAX_FAILURES, failures + 1) : 1;
    if (!next.equals(current)) {
      switch (next.status()) {
        case UP -> log.info("stands by on queue {}: {}", queue, next.reason());
        case DEGRADED -> log.warn("queue {} is not consumed: {}", queue, next.reason());
        default -> log.error("queue {} is not consumed: {}", queue, next.reason());
      }
    }
    current = next;
    Backoff waits = next.isUnsuitableQueue() ? RETRIES_OF_AN_UNSUITABLE_QUEUE : RETRIES;
    tryAgain(waits.next(failures, runtime.random()));
  }

  /** The broker has ended the consumer or its channel, which is tried again soon. */
  void ended(Obstacle next) {
    log.warn("queue {}: {}", queue, next.reason());
    current = next;
    tryAgain(RETRIES.next(1, runtime.random()));
  }

  /** An attempt has succeeded. */
  void overcome() {
    failures = 0;
    current = Obstacle.NONE;
  }

  /** Replaces an earlier retry, so that retries do not multiply with new connections. */
  private void tryAgain(Duration wait) {
    replace(runtime.scheduler().schedule(wait, attempt));
    if (closed) {
      replace(null);
    }
  }

  private void replace(@Nullable ScheduledTask next) {
    ScheduledTask earlier = retry.getAndSet(next);
    if (earlier != null) {
      earlier.cancel();
    }
  }

  /** Tries no more. Idempotent. */
  void close() {
    closed = true;
    replace(null);
  }
}
