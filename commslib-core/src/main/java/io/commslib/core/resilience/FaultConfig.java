package io.commslib.core.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;

/**
 * The faults that are injected into the attempts of a remote, for tests of what depends on it.
 * Faults are chosen at random for each attempt, after all limits, so that they exercise every other
 * policy: the time of the attempt, retries and their budget, the breaker and the bulkhead. The code
 * of an attempt that fails by a fault is not run. Immutable.
 *
 * @param delayPercent the share of attempts that are delayed, 0 to 100
 * @param delay the delay, 1 ms to 1 min, which counts for the time of the attempt
 * @param failPercent the share of attempts that fail, 0 to 100; an attempt can be delayed and fail
 * @param status the status of a failed attempt, neither {@code OK} nor {@code CANCELLED}
 * @param certainty what the callers are told about the sending of a failed attempt
 */
public record FaultConfig(
    int delayPercent, Duration delay, int failPercent, CallStatus status, SendCertainty certainty) {

  private static final FaultConfig NONE =
      new FaultConfig(
          0, Duration.ofMillis(100), 0, CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);

  /**
   * Creates a configuration.
   *
   * @param delayPercent the share of attempts that are delayed
   * @param delay the delay
   * @param failPercent the share of attempts that fail
   * @param status the status of a failed attempt
   * @param certainty what the callers are told about the sending of a failed attempt
   * @throws IllegalArgumentException if a value is out of range
   */
  public FaultConfig {
    Checks.inRange("faults delayPercent", delayPercent, 0, 100);
    Checks.inRange("faults delay", delay, Duration.ofMillis(1), Duration.ofMinutes(1));
    Checks.inRange("faults failPercent", failPercent, 0, 100);
    Checks.check(
        status != CallStatus.OK && status != CallStatus.CANCELLED,
        "faults status",
        status,
        "neither OK nor CANCELLED");
    Objects.requireNonNull(certainty, "certainty");
  }

  /**
   * Returns faults that fail attempts.
   *
   * @param percent the share of attempts, 0 to 100
   * @param status their status, neither {@code OK} nor {@code CANCELLED}
   * @param certainty what the callers are told about the sending
   * @return the faults
   * @throws IllegalArgumentException if a value is out of range
   */
  public static FaultConfig failing(int percent, CallStatus status, SendCertainty certainty) {
    return new FaultConfig(0, NONE.delay, percent, status, certainty);
  }

  /**
   * Returns faults that delay attempts.
   *
   * @param percent the share of attempts, 0 to 100
   * @param delay the delay, 1 ms to 1 min
   * @return the faults
   * @throws IllegalArgumentException if a value is out of range
   */
  public static FaultConfig delaying(int percent, Duration delay) {
    return new FaultConfig(percent, delay, 0, NONE.status, NONE.certainty);
  }

  /** {@return no faults: 0 per cent, with a delay of 100 ms and UNAVAILABLE, MAYBE_SENT} */
  public static FaultConfig none() {
    return NONE;
  }

  /** {@return whether any attempt gets a fault} */
  public boolean isActive() {
    return delayPercent > 0 || failPercent > 0;
  }

  /** {@return the outcome of an attempt that fails, marked as injected} */
  public CallOutcome outcome() {
    return CallOutcome.of(status, certainty).asInjected();
  }
}
