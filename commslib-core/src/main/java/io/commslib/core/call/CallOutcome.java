package io.commslib.core.call;

import io.commslib.core.SendCertainty;
import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The end of an attempt, as far as it is known. Retries, breakers, budgets, limiters and metrics
 * all decide by it, and by nothing else. Immutable value.
 */
public final class CallOutcome {

  private static final Duration LONGEST_ADVICE = Duration.ofDays(365);

  private static final CallOutcome[] ANSWERED = answered();

  private final CallStatus status;
  private final SendCertainty certainty;
  private final @Nullable Duration retryAfter;
  private final boolean retryable;
  private final boolean injected;

  private CallOutcome(
      CallStatus status,
      SendCertainty certainty,
      @Nullable Duration retryAfter,
      boolean retryable,
      boolean injected) {
    this.status = status;
    this.certainty = certainty;
    this.retryAfter = retryAfter;
    this.retryable = retryable;
    this.injected = injected;
  }

  private static CallOutcome[] answered() {
    CallStatus[] all = CallStatus.values();
    CallOutcome[] outcomes = new CallOutcome[all.length];
    for (CallStatus status : all) {
      outcomes[status.ordinal()] =
          new CallOutcome(status, SendCertainty.ANSWERED, null, true, false);
    }
    return outcomes;
  }

  /**
   * Returns an outcome.
   *
   * @param status the status
   * @param certainty what is known about the sending
   * @return the outcome, without advice
   * @throws IllegalArgumentException if the status is {@code OK} and the call was not answered
   */
  public static CallOutcome of(CallStatus status, SendCertainty certainty) {
    if (certainty == SendCertainty.ANSWERED) {
      return answered(status);
    }
    Checks.check(status != CallStatus.OK, "certainty", certainty, "ANSWERED with status OK");
    return new CallOutcome(status, certainty, null, true, false);
  }

  /**
   * Returns the outcome of an answer.
   *
   * @param status the status of the answer
   * @return the outcome, without advice; allocates nothing
   */
  public static CallOutcome answered(CallStatus status) {
    return ANSWERED[status.ordinal()];
  }

  /**
   * Returns a copy with the callee's advice when a repetition may be made.
   *
   * @param wait the shortest wait, zero to 365 days; a longer one counts as 365 days
   * @return the copy
   * @throws IllegalArgumentException if the wait is negative
   */
  public CallOutcome withRetryAfter(Duration wait) {
    Checks.check(!wait.isNegative(), "retryAfter", wait, "zero or more");
    Duration bounded = wait.compareTo(LONGEST_ADVICE) > 0 ? LONGEST_ADVICE : wait;
    return new CallOutcome(status, certainty, bounded, retryable, injected);
  }

  /**
   * Returns a copy that must not be repeated, because the callee has said so or a repetition would
   * be refused again.
   *
   * @return the copy
   */
  public CallOutcome withoutRetry() {
    return new CallOutcome(status, certainty, retryAfter, false, injected);
  }

  /**
   * Returns a copy that is marked as the outcome of an injected fault. For engines.
   *
   * @return the copy
   */
  public CallOutcome asInjected() {
    return new CallOutcome(status, certainty, retryAfter, retryable, true);
  }

  /** {@return the status} */
  public CallStatus status() {
    return status;
  }

  /** {@return what is known about the sending} */
  public SendCertainty certainty() {
    return certainty;
  }

  /** {@return the shortest wait before a repetition that the callee asks for, or empty} */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /**
   * Returns whether nothing forbids a repetition. It is no permission: that also depends on status,
   * certainty and target.
   *
   * @return false if the callee has forbidden it or it would be refused again
   */
  public boolean isRetryable() {
    return retryable;
  }

  /**
   * Returns whether a fault that was injected for a test determined this outcome, and not the
   * callee.
   *
   * @return whether it was injected
   */
  public boolean isInjected() {
    return injected;
  }

  /** {@return whether the status is {@code OK}} */
  public boolean isSuccess() {
    return status == CallStatus.OK;
  }

  /**
   * Returns whether the attempt failed because the callee can't work or can't be reached. Breakers
   * and outlier detection count these outcomes. An answer that rejects the request is no such
   * failure, nor is a cancelled attempt or one that was refused on this side.
   *
   * @return whether it counts against the callee
   */
  public boolean isCalleeFailure() {
    return switch (status) {
      case UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, DATA_LOSS -> true;
      case UNKNOWN -> certainty != SendCertainty.ANSWERED;
      default -> false;
    };
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof CallOutcome that
        && status == that.status
        && certainty == that.certainty
        && retryable == that.retryable
        && injected == that.injected
        && Objects.equals(retryAfter, that.retryAfter);
  }

  @Override
  public int hashCode() {
    return Objects.hash(status, certainty, retryAfter, retryable, injected);
  }

  @Override
  public String toString() {
    return status
        + " "
        + certainty
        + (retryAfter == null ? "" : " retryAfter=" + retryAfter)
        + (retryable ? "" : " not retryable")
        + (injected ? " injected" : "");
  }
}
