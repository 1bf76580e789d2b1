package io.commslib.core.time;

import java.time.Duration;

/** Conversion of timeouts without overflow. For the library's modules. Thread-safe. */
public final class Timeouts {

  /** Longer than any process lives, and short enough for sums with a clock reading. */
  private static final Duration LONGEST = Duration.ofDays(365L * 70);

  private Timeouts() {}

  /**
   * Returns a timeout in nanoseconds, for sums with {@link TimeSource#nanoTime()}.
   *
   * @param timeout any duration
   * @return 0 for a negative timeout, at most 70 years
   */
  public static long nanos(Duration timeout) {
    return bounded(timeout).toNanos();
  }

  /**
   * Returns a timeout that overflows in no conversion and no sum.
   *
   * @param timeout any duration
   * @return zero for a negative timeout, at most 70 years
   */
  public static Duration bounded(Duration timeout) {
    if (timeout.isNegative()) {
      return Duration.ZERO;
    }
    return timeout.compareTo(LONGEST) > 0 ? LONGEST : timeout;
  }
}
