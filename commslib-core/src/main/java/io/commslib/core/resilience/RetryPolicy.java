package io.commslib.core.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;

/**
 * The number of attempts of a call, the waits between them, and the rule that permits one. The
 * permission follows from the target's declared idempotency and from what is known about the
 * sending, never from the type of an exception. Immutable.
 */
public final class RetryPolicy {

  /** The default number of attempts, the first included. */
  public static final int DEFAULT_ATTEMPTS = 3;

  /** The default bound of the first wait. */
  public static final Duration DEFAULT_FIRST_WAIT = Duration.ofMillis(50);

  /** The default maximum of the bound. */
  public static final Duration DEFAULT_MAX_WAIT = Duration.ofSeconds(2);

  /** The default longest wait that a callee may ask for. */
  public static final Duration DEFAULT_MAX_RETRY_AFTER = Duration.ofSeconds(30);

  private static final int MAX_ATTEMPTS = 10;

  private static final RetryPolicy DEFAULTS =
      new RetryPolicy(
          DEFAULT_ATTEMPTS,
          Backoff.exponential(DEFAULT_FIRST_WAIT, DEFAULT_MAX_WAIT),
          DEFAULT_MAX_RETRY_AFTER);

  private final int maxAttempts;
  private final Backoff backoff;
  private final Duration maxRetryAfter;

  private RetryPolicy(int maxAttempts, Backoff backoff, Duration maxRetryAfter) {
    this.maxAttempts = maxAttempts;
    this.backoff = backoff;
    this.maxRetryAfter = maxRetryAfter;
  }

  /** {@return 3 attempts, waits of up to 50 ms, doubling to 2 s, advice of up to 30 s} */
  public static RetryPolicy defaults() {
    return DEFAULTS;
  }

  /** {@return a policy of one attempt} */
  public static RetryPolicy none() {
    return DEFAULTS.withMaxAttempts(1);
  }

  /**
   * Returns a copy with another number of attempts.
   *
   * @param attempts 1 to 10, the first attempt included
   * @return the copy
   * @throws IllegalArgumentException if out of range
   */
  public RetryPolicy withMaxAttempts(int attempts) {
    return new RetryPolicy(
        Checks.inRange("maxAttempts", attempts, 1, MAX_ATTEMPTS), backoff, maxRetryAfter);
  }

  /**
   * Returns a copy with other waits.
   *
   * @param waits the waits between attempts
   * @return the copy
   */
  public RetryPolicy withBackoff(Backoff waits) {
    return new RetryPolicy(maxAttempts, Objects.requireNonNull(waits, "backoff"), maxRetryAfter);
  }

  /**
   * Returns a copy with another bound of a callee's advice. A call whose callee asks for more ends,
   * and its failure has the advice.
   *
   * @param longest 1 ms to 1 h
   * @return the copy
   * @throws IllegalArgumentException if out of range
   */
  public RetryPolicy withMaxRetryAfter(Duration longest) {
    return new RetryPolicy(
        maxAttempts,
        backoff,
        Checks.inRange("maxRetryAfter", longest, Duration.ofMillis(1), Duration.ofHours(1)));
  }

  /** {@return the maximum number of attempts, the first included} */
  public int maxAttempts() {
    return maxAttempts;
  }

  /** {@return the waits between attempts} */
  public Backoff backoff() {
    return backoff;
  }

  /** {@return the longest wait that a callee may ask for} */
  public Duration maxRetryAfter() {
    return maxRetryAfter;
  }

  /**
   * Returns whether an attempt with this outcome may be repeated.
   *
   * <ul>
   *   <li>Never: after a success, after a cancellation, and if the outcome forbids it.
   *   <li>{@code NOT_SENT}: always.
   *   <li>{@code RESOURCE_EXHAUSTED}, and {@code ABORTED} by a concurrent call, such as one with
   *       the same idempotency key: only a repeatable target, and only with the callee's advice.
   *   <li>{@code MAYBE_SENT}, {@code UNAVAILABLE} and {@code DEADLINE_EXCEEDED}: only a repeatable
   *       target.
   *   <li>Every other answer: never.
   * </ul>
   *
   * @param target what is called
   * @param outcome the outcome of an attempt
   * @return whether it may be repeated
   */
  public static boolean permits(CallTarget target, CallOutcome outcome) {
    CallStatus status = outcome.status();
    if (status == CallStatus.OK || status == CallStatus.CANCELLED || !outcome.isRetryable()) {
      return false;
    }
    if (outcome.certainty() == SendCertainty.NOT_SENT) {
      return true;
    }
    if (!target.idempotency().isRepeatable()) {
      return false;
    }
    if (status == CallStatus.RESOURCE_EXHAUSTED || status == CallStatus.ABORTED) {
      return outcome.retryAfter().isPresent();
    }
    return outcome.certainty() == SendCertainty.MAYBE_SENT
        || status == CallStatus.UNAVAILABLE
        || status == CallStatus.DEADLINE_EXCEEDED;
  }

  @Override
  public String toString() {
    return "RetryPolicy{maxAttempts="
        + maxAttempts
        + ", backoff="
        + backoff
        + ", maxRetryAfter="
        + maxRetryAfter
        + "}";
  }
}
