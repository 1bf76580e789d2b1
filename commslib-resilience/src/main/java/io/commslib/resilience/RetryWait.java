package io.commslib.resilience;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.resilience.RetryPolicy;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** The wait between two attempts. */
final class RetryWait {

  /** The callee asks for a longer wait than the policy permits. */
  static final long TOO_LONG = -1;

  /** Added to the callee's advice at random, at most this share of it. */
  private static final int ADVICE_JITTER_PERCENT = 10;

  private RetryWait() {}

  /** Returns the wait before the next attempt, or {@link #TOO_LONG}. */
  static long nanos(RetryPolicy retry, int round, CallOutcome last, RandomGenerator random) {
    long wait = retry.backoff().next(round, random).toNanos();
    Duration advice = last.retryAfter().orElse(Duration.ZERO);
    if (advice.compareTo(retry.maxRetryAfter()) > 0) {
      return TOO_LONG;
    }
    long least = advice.toNanos();
    long jitter = least * ADVICE_JITTER_PERCENT / 100;
    return Math.max(wait, least + (jitter > 0 ? random.nextLong(jitter + 1) : 0));
  }
}
