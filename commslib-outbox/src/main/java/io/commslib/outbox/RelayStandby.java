package io.commslib.outbox;

import io.commslib.core.Failures;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Timing of the relay's pause after an error of the JVM; it doubles with each error in a row.
 * Written by the relay's thread, read by any.
 */
final class RelayStandby {

  private static final Backoff PAUSE =
      Backoff.exponential(Duration.ofMillis(250), Duration.ofMinutes(1)).withoutJitter();
  private static final int MAX_COUNTED_FAILURES = 30;

  private final CommsRuntime runtime;
  private int failures;
  private volatile @Nullable Throwable failure;
  private volatile long endNanos;

  RelayStandby(CommsRuntime runtime) {
    this.runtime = runtime;
  }

  /** Begins a pause. It takes effect before the first step that may fail for lack of memory. */
  void begin(Throwable why) {
    endNanos = runtime.time().nanoTime() + PAUSE.next(1, runtime.random()).toNanos();
    failure = why;
    failures = Math.min(failures + 1, MAX_COUNTED_FAILURES);
    endNanos = runtime.time().nanoTime() + PAUSE.next(failures, runtime.random()).toNanos();
  }

  boolean isOn() {
    return failure != null;
  }

  /** The time until the pause is over; 0 or less once it is. */
  long nanosLeft() {
    return endNanos - runtime.time().nanoTime();
  }

  void end() {
    failure = null;
  }

  /** A publish succeeded: the next pause is short again. */
  void succeeded() {
    failures = 0;
  }

  /** The reason of the pause in progress; empty if there is none. */
  String reason() {
    Throwable why = failure;
    return why == null ? "" : "paused after an error of the JVM: " + Failures.text(why);
  }
}
