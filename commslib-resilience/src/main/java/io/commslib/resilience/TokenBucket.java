package io.commslib.resilience;

import io.commslib.core.resilience.RateLimiter;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A token bucket as one number: the time at which the bucket is full again (the generic cell rate
 * algorithm, ITU-T I.371). No period of any start admits more than rate and burst.
 */
final class TokenBucket implements RateLimiter {

  private static final long SECOND = 1_000_000_000L;

  private final TimeSource time;
  private final AtomicLong fullAt;
  private volatile Rate rate;

  /**
   * The settings in nanoseconds.
   *
   * @param interval time between two tokens
   * @param capacity time in which an empty bucket is filled
   */
  private record Rate(long interval, long capacity) {

    static Rate of(RateLimiterConfig config) {
      long interval = SECOND / config.perSecond();
      return new Rate(interval, interval * config.burst());
    }
  }

  TokenBucket(RateLimiterConfig config, TimeSource time) {
    this.time = time;
    this.rate = Rate.of(config);
    this.fullAt = new AtomicLong(time.nanoTime());
  }

  /** Begins with a full bucket of another rate. */
  void fill(RateLimiterConfig config) {
    rate = Rate.of(config);
    fullAt.set(time.nanoTime());
  }

  /** Replaces the rate. The bucket keeps its tokens, as many as the new one has room for. */
  void rate(RateLimiterConfig config) {
    Rate before = rate;
    Rate next = Rate.of(config);
    if (next.equals(before)) {
      return;
    }
    rate = next;
    long clock = time.nanoTime();
    fullAt.updateAndGet(
        full -> {
          long missing = Math.max(0, full - clock);
          double tokens = (before.capacity - missing) / (double) before.interval;
          return clock + Math.max(0, next.capacity - (long) (tokens * next.interval));
        });
  }

  @Override
  public long reserve(long maxWaitNanos) {
    return reserve(maxWaitNanos, time.nanoTime());
  }

  /** As {@link #reserve(long)}, with a reading of the clock that the caller has. */
  long reserve(long maxWaitNanos, long clock) {
    Rate now = rate;
    while (true) {
      long full = fullAt.get();
      long base = full - clock > 0 ? full : clock;
      long next = base + now.interval;
      long wait = Math.max(0, next - clock - now.capacity);
      if (wait > maxWaitNanos) {
        return REFUSED;
      }
      if (fullAt.compareAndSet(full, next)) {
        return wait;
      }
    }
  }

  @Override
  public Duration retryAfter() {
    Rate now = rate;
    long clock = time.nanoTime();
    long missing = Math.max(0, fullAt.get() - clock);
    return Duration.ofNanos(Math.max(0, missing + now.interval - now.capacity));
  }
}
