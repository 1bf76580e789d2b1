package io.commslib.core.resilience;

import java.time.Duration;

/**
 * Bounds the rate of attempts with a token bucket, so that no period has more attempts than rate
 * and burst admit. Thread-safe; never blocks.
 */
public interface RateLimiter {

  /** The result of {@link #reserve} if no token comes in time. */
  long REFUSED = -1;

  /**
   * Takes a token, if necessary one that is added later.
   *
   * @param maxWaitNanos the longest wait in nanoseconds, 0 or more
   * @return the time to wait before the attempt in nanoseconds, or {@link #REFUSED}; then no token
   *     was taken
   */
  long reserve(long maxWaitNanos);

  /** {@return the time until the next token; zero if there is one} */
  Duration retryAfter();
}
