package io.commslib.outbox;

import io.commslib.core.Failures;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The pause that a relay takes after an error of the JVM; it doubles with each in a row. Written by
 * the relay's thread, read by any.
 */
final class RelayStandby {

  private static final Backoff PAUSE =
      Backoff.exponential(Duration.ofMillis(250), Duration.ofMinutes(1)).withoutJitter();
  private static final int MAX_COUNTED = 30;

  private final CommsRuntime runtime;
  private int failures;
  private volatile @Nullable Throwable failure;
  private volatile long endNanos;

  RelayStandby(CommsRuntime runtime) {
    this.runtime = runtime;
  }

  /** Begins a pause; allocates as little as possible before it has begun. */
  void begin(Throwable why) {
    endNanos = runtime.time().nanoTime() + PAUSE.next(1, runtime.random()).toNanos();
    failure = why;
    failures = Math.min(failures + 1, MAX_COUNTED);
    endNanos = runtime.time().nanoTime() + PAUSE.next(failures, runtime.random()).toNanos();
  }

  boolean isOn() {
    return failure != null;
  }

  /** How long it lasts; 0 or less once it is over. */
  long nanosLeft() {
    return endNanos - runtime.time().nanoTime();
  }

  void end() {
    failure = null;
  }

  /** Something worked: the next pause is a short one. */
  void succeeded() {
    failures = 0;
  }

  /** Why it pauses; empty if it does not. */
  String reason() {
    Throwable why = failure;
    return why == null ? "" : "paused after an error of the JVM: " + Failures.text(why);
  }
}
