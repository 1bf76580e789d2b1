package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/**
 * The settings of a rate limiter. There is no default rate. Immutable.
 *
 * @param perSecond tokens added per second, 1 to 1,000,000
 * @param burst the maximum number of tokens kept, 1 to 10,000,000
 * @param maxWait the longest wait for a token, zero to 1 min; zero refuses at once
 */
public record RateLimiterConfig(int perSecond, int burst, Duration maxWait) {

  /**
   * Creates a configuration.
   *
   * @param perSecond tokens added per second
   * @param burst the maximum number of tokens kept
   * @param maxWait the longest wait for a token
   * @throws IllegalArgumentException if a value is out of range
   */
  public RateLimiterConfig {
    Checks.inRange("rate perSecond", perSecond, 1, 1_000_000);
    Checks.inRange("rate burst", burst, 1, 10_000_000);
    Checks.inRange("rate maxWait", maxWait, Duration.ZERO, Duration.ofMinutes(1));
  }

  /**
   * Returns a configuration whose burst is the rate of one second, and which refuses at once.
   *
   * @param perSecond attempts per second, 1 to 1,000,000
   * @return the configuration
   * @throws IllegalArgumentException if out of range
   */
  public static RateLimiterConfig of(int perSecond) {
    return new RateLimiterConfig(perSecond, perSecond, Duration.ZERO);
  }
}
