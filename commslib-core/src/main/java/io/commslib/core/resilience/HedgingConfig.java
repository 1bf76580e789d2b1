package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/**
 * The settings of hedging: while a call has no answer, further attempts start beside the first one,
 * and the first success ends the others. Only for calls that return stages, and only for targets
 * that may be repeated. Each hedge takes from the budget of retries. There is no default: a delay
 * near the 95th percentile of the remote's answers hedges one call in twenty. Immutable.
 *
 * @param delay the time without an answer before another attempt starts, 1 ms to 1 min; the tick of
 *     5 ms rounds it up
 * @param maxExtra the maximum number of further attempts of a call, 1 to 4
 */
public record HedgingConfig(Duration delay, int maxExtra) {

  /**
   * Creates a configuration.
   *
   * @param delay the time without an answer before another attempt starts
   * @param maxExtra the maximum number of further attempts of a call
   * @throws IllegalArgumentException if a value is out of range
   */
  public HedgingConfig {
    Checks.inRange("hedging delay", delay, Duration.ofMillis(1), Duration.ofMinutes(1));
    Checks.inRange("hedging maxExtra", maxExtra, 1, 4);
  }

  /**
   * Returns a configuration with one further attempt.
   *
   * @param delay the time without an answer before it starts, 1 ms to 1 min
   * @return the configuration
   * @throws IllegalArgumentException if out of range
   */
  public static HedgingConfig of(Duration delay) {
    return new HedgingConfig(delay, 1);
  }
}
