package io.commslib.core.time;

import java.time.Instant;

/**
 * Wall clock and monotonic clock. Everything in the library reads time through this port; tests
 * pass {@link VirtualTime}. Users implement or pass it. Thread-safe.
 */
public interface TimeSource {

  /**
   * Returns the machine's clocks.
   *
   * @return the time source of {@link SystemRuntime}
   */
  static TimeSource system() {
    return SystemTime.INSTANCE;
  }

  /**
   * Returns the wall-clock time. It may jump; never used to measure a duration or to decide a
   * lease.
   *
   * @return now
   */
  Instant now();

  /**
   * Returns a monotonic reading in nanoseconds from an arbitrary origin; only differences mean
   * something.
   *
   * @return the reading
   */
  long nanoTime();
}
