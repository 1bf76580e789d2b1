package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/**
 * The bound of all retries of a remote: a share of its calls, and a small rate for remotes with few
 * calls. Immutable.
 *
 * @param percent retries per hundred calls, 0 to 100
 * @param perSecond retries per second in addition, 0 to 1,000
 * @param window the time for which an unused share is kept, 1 s to 60 s
 */
public record RetryBudgetConfig(int percent, int perSecond, Duration window) {

  private static final RetryBudgetConfig DEFAULTS =
      new RetryBudgetConfig(20, 3, Duration.ofSeconds(10));

  /**
   * Creates a configuration.
   *
   * @param percent retries per hundred calls
   * @param perSecond retries per second in addition
   * @param window the time for which an unused share is kept
   * @throws IllegalArgumentException if a value is out of range
   */
  public RetryBudgetConfig {
    Checks.inRange("budget percent", percent, 0, 100);
    Checks.inRange("budget perSecond", perSecond, 0, 1_000);
    Checks.inRange("budget window", window, Duration.ofSeconds(1), Duration.ofSeconds(60));
  }

  /** {@return 20 per cent of the calls and 3 a second, over 10 s} */
  public static RetryBudgetConfig defaults() {
    return DEFAULTS;
  }
}
