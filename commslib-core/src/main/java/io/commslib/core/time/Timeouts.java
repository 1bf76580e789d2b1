package io.commslib.core.time;

import java.time.Duration;

/** Timeouts as numbers. For the library's modules. */
public final class Timeouts {

  /** Longer than any process lives, and short enough to be added to a clock reading. */
  private static final Duration LONGEST = Duration.ofDays(365L * 70);

  private Timeouts() {}

  /**
   * Returns a timeout in nanoseconds, for sums with {@link TimeSource#nanoTime()}.
   *
   * @param timeout any duration
   * @return 0 for a negative one, at most 70 years
   */
  public static long nanos(Duration timeout) {
    return bounded(timeout).toNanos();
  }

  /**
   * Returns a timeout that no conversion and no sum overflows.
   *
   * @param timeout any duration
   * @return zero for a negative one, at most 70 years
   */
  public static Duration bounded(Duration timeout) {
    if (timeout.isNegative()) {
      return Duration.ZERO;
    }
    return timeout.compareTo(LONGEST) > 0 ? LONGEST : timeout;
  }
}
