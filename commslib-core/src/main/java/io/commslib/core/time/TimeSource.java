package io.commslib.core.time;

import java.time.Instant;

/**
 * Wall clock and monotonic clock. The whole library reads time through this port; tests pass {@link
 * VirtualTime}. Users may implement it. Thread-safe.
 */
public interface TimeSource {

  /** {@return the system clocks, which {@link SystemRuntime} uses} */
  static TimeSource system() {
    return SystemTime.INSTANCE;
  }

  /**
   * Returns the wall-clock time. It may jump, so the library never measures a duration or decides a
   * lease with it.
   *
   * @return the current time
   */
  Instant now();

  /**
   * Returns a monotonic reading from an arbitrary origin. Only differences of readings are
   * meaningful.
   *
   * @return the reading in nanoseconds
   */
  long nanoTime();
}
