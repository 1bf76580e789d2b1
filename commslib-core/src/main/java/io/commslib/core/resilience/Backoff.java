package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * Wait between attempts: exponential growth with full jitter, that is, a uniformly random wait
 * between zero and the grown bound (M. Brooker, "Exponential Backoff And Jitter", 2015). Immutable.
 */
public final class Backoff {

  private final Duration first;
  private final Duration max;
  private final boolean jitter;

  private Backoff(Duration first, Duration max, boolean jitter) {
    this.first = Checks.inRange("first", first, Duration.ZERO, Duration.ofHours(24));
    this.max = Checks.inRange("max", max, first, Duration.ofHours(24));
    this.jitter = jitter;
  }

  /**
   * Returns a backoff whose bound doubles from {@code first} up to {@code max}, with full jitter.
   *
   * @param first bound of the first wait, 0 to 24 h
   * @param max maximum of the bound, {@code first} to 24 h
   * @return the backoff
   * @throws IllegalArgumentException if a value is out of range
   */
  public static Backoff exponential(Duration first, Duration max) {
    return new Backoff(
        Objects.requireNonNull(first, "first"), Objects.requireNonNull(max, "max"), true);
  }

  /**
   * Returns the same backoff without jitter, for tests and for services that spread the load
   * themselves.
   *
   * @return new backoff
   */
  public Backoff withoutJitter() {
    return new Backoff(first, max, false);
  }

  /** {@return the bound of the first wait} */
  public Duration first() {
    return first;
  }

  /** {@return the maximum of the bound} */
  public Duration max() {
    return max;
  }

  /** {@return whether a wait is random between zero and its bound} */
  public boolean hasJitter() {
    return jitter;
  }

  /**
   * Returns the wait before the next attempt.
   *
   * @param failures number of failed attempts, 1 or more
   * @param random source of jitter
   * @return the wait, zero to the bound
   */
  public Duration next(int failures, RandomGenerator random) {
    Checks.inRange("failures", failures, 1, Integer.MAX_VALUE);
    long bound = first.toNanos();
    long cap = max.toNanos();
    for (int i = 1; i < failures && bound < cap; i++) {
      bound = bound > cap / 2 ? cap : bound * 2;
    }
    bound = Math.min(bound, cap);
    return Duration.ofNanos(jitter && bound > 0 ? random.nextLong(bound + 1) : bound);
  }

  @Override
  public String toString() {
    return "Backoff{first=" + first + ", max=" + max + ", jitter=" + jitter + "}";
  }
}
