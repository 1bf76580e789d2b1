package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.AttemptWork;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.RateLimiter;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One call on the caller's thread: attempts and waits until an answer, the deadline, or an outcome
 * that must not be repeated. Used once.
 *
 * <p>The order for each attempt is breaker, rate limiter, bulkhead, time. What was acquired is
 * given back in each way out, and no slot is held between attempts.
 */
final class BlockingCall<T extends @Nullable Object, E extends Exception> {

  /** A call without any deadline still has this one. */
  private static final long LONGEST_NANOS = Duration.ofDays(365).toNanos();

  /** Added to the callee's advice at random, at most this share of it. */
  private static final int ADVICE_JITTER_PERCENT = 10;

  private final Guard guard;
  private final Plan plan;
  private final CallTarget target;
  private final @Nullable String key;
  private final OutcomeClassifier<? super T> classifier;
  private final AttemptWork<T, E> work;
  private final TimeSource time;
  private final CallContext outer;
  private final long startNanos;
  private final long endNanos;

  private int sent;
  private @Nullable CallOutcome outcome;
  private @Nullable Throwable failure;
  private @Nullable T answer;
  private @Nullable Refusal refusal;

  BlockingCall(
      Guard guard,
      CallTarget target,
      @Nullable String key,
      OutcomeClassifier<? super T> classifier,
      AttemptWork<T, E> work) {
    this.guard = guard;
    this.plan = guard.plan();
    this.target = target;
    this.classifier = classifier;
    this.work = work;
    this.time = guard.runtime().time();
    this.outer = CallContext.current();
    this.startNanos = time.nanoTime();
    this.endNanos = end();
    this.key = target.idempotency() == Idempotency.KEYED && key == null ? newKey() : key;
  }

  private long end() {
    long own = plan.hasDeadline ? plan.deadlineNanos : LONGEST_NANOS;
    // It may be of another clock, so its remaining time counts.
    return startNanos + Math.min(own, outer.remainingNanos(own));
  }

  private String newKey() {
    RandomGenerator random = guard.runtime().random();
    return new UUID(random.nextLong(), random.nextLong()).toString();
  }

  T run() throws E {
    if (plan.hasBudget) {
      guard.budget().deposit(startNanos);
    }
    int attempt = 1;
    attempt(attempt, startNanos);
    while (repeats(attempt)) {
      attempt++;
      attempt(attempt, time.nanoTime());
    }
    return result();
  }

  /** Makes an attempt; afterwards {@link #outcome} is set. */
  private void attempt(int number, long now) {
    refusal = null;
    if (endNanos - now < Plan.MIN_ATTEMPT_NANOS) {
      refuse(number, Refusal.DEADLINE, Outcomes.NOT_STARTED_IN_TIME);
      return;
    }
    Permit permit = null;
    if (plan.hasBreaker) {
      permit = guard.breaker().enter(now);
      if (permit == null) {
        refuse(number, Refusal.BREAKER, breakerOpen());
        return;
      }
    }
    boolean sentOne = false;
    try {
      sentOne = limited(number, now, permit);
    } finally {
      if (!sentOne && permit != null) {
        permit.released();
      }
    }
  }

  private CallOutcome breakerOpen() {
    return CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT)
        .withRetryAfter(guard.breaker().retryAfter())
        .withoutRetry();
  }

  /** Returns whether the attempt was made; otherwise it was refused. */
  private boolean limited(int number, long now, @Nullable Permit permit) {
    long begin = now;
    if (plan.hasRate) {
      long wait = takesToken(number, now);
      if (wait < 0) {
        return false;
      }
      begin = wait == 0 ? now : time.nanoTime();
    }
    if (!plan.hasBulkhead) {
      send(number, begin, permit);
      return true;
    }
    if (!guard.bulkhead().tryAcquire()) {
      refuse(number, Refusal.BULKHEAD, exhausted());
      return false;
    }
    try {
      send(number, begin, permit);
    } finally {
      guard.bulkhead().release();
    }
    return true;
  }

  private static CallOutcome exhausted() {
    return CallOutcome.of(CallStatus.RESOURCE_EXHAUSTED, SendCertainty.NOT_SENT);
  }

  /** Returns the time waited, or a negative number if there was no token or an interrupt. */
  private long takesToken(int number, long now) {
    long left = endNanos - now - Plan.MIN_ATTEMPT_NANOS;
    long wait = guard.rate().reserve(Math.max(0, Math.min(plan.rateWaitNanos, left)), now);
    if (wait == RateLimiter.REFUSED) {
      refuse(number, Refusal.RATE_LIMITER, exhausted().withRetryAfter(guard.rate().retryAfter()));
      return wait;
    }
    return wait == 0 || pause(wait, Outcomes.CANCELLED_BEFORE) ? wait : RateLimiter.REFUSED;
  }

  private void refuse(int number, Refusal by, CallOutcome refused) {
    // What is known of an earlier attempt stays known: it may have been sent.
    boolean isFirst = outcome == null || outcome.certainty() == SendCertainty.NOT_SENT;
    if (isFirst || by != Refusal.DEADLINE) {
      outcome = isFirst ? refused : afterSending(refused);
      failure = null;
    }
    refusal = by;
    if (guard.events().observesCalls()) {
      guard.events().attempt(target, refused, number, 0, by);
    }
  }

  private static CallOutcome afterSending(CallOutcome refused) {
    CallOutcome known = CallOutcome.of(refused.status(), SendCertainty.MAYBE_SENT);
    if (refused.retryAfter().isPresent()) {
      known = known.withRetryAfter(refused.retryAfter().get());
    }
    return refused.isRetryable() ? known : known.withoutRetry();
  }

  private void send(int number, long began, @Nullable Permit permit) {
    sent++;
    answer = null;
    failure = null;
    long until = endNanos - began < plan.attemptNanos ? endNanos : began + plan.attemptNanos;
    CallContext context = outer.forAttempt(number, until, time, key);
    AttemptWatch.Watched watched = guard.watch().begin(until);
    Throwable thrown = null;
    boolean overran;
    try {
      context.attach();
      answer = work.run(context);
    } catch (Throwable e) {
      thrown = e;
    } finally {
      overran = guard.watch().end(watched);
      outer.attach();
    }
    long nanos = time.nanoTime() - began;
    failure = thrown;
    outcome = overran ? Outcomes.TIMED_OUT : classified(thrown);
    if (permit != null) {
      end(permit, outcome, nanos);
    }
    guard.attemptEnded();
    if (guard.events().observesCalls()) {
      guard.events().attempt(target, outcome, number, nanos, null);
    }
    if (thrown instanceof Error error) {
      report();
      throw error;
    }
  }

  /** Cancelled attempts say nothing about the callee. */
  private static void end(Permit permit, CallOutcome outcome, long nanos) {
    if (outcome.status() == CallStatus.CANCELLED) {
      permit.released();
    } else {
      permit.ended(outcome, nanos);
    }
  }

  private CallOutcome classified(@Nullable Throwable thrown) {
    if (thrown instanceof InterruptedException) {
      Thread.currentThread().interrupt();
      return Outcomes.INTERRUPTED;
    }
    try {
      return thrown == null ? classifier.ofAnswer(answer) : classifier.ofFailure(thrown);
    } catch (RuntimeException e) {
      failure = e;
      return CallOutcome.of(CallStatus.UNKNOWN, SendCertainty.MAYBE_SENT).withoutRetry();
    }
  }

  /** Decides whether another attempt follows, and waits for it. */
  private boolean repeats(int attempt) {
    CallOutcome last = known();
    if (last.isSuccess()
        || attempt >= plan.maxAttempts
        || refusal == Refusal.DEADLINE
        || !RetryPolicy.permits(target, last)) {
      return false;
    }
    long wait = waitNanos(attempt, last);
    if (wait < 0 || endNanos - time.nanoTime() - wait < Plan.MIN_ATTEMPT_NANOS) {
      return false;
    }
    if (plan.hasBudget && !guard.budget().tryWithdraw()) {
      return false;
    }
    return pause(wait, last);
  }

  /** Returns the wait before the next attempt, or -1 if the callee asks for too long a one. */
  private long waitNanos(int attempt, CallOutcome last) {
    RetryPolicy retry = plan.policy.retry();
    RandomGenerator random = guard.runtime().random();
    long wait = retry.backoff().next(attempt, random).toNanos();
    Duration advice = last.retryAfter().orElse(Duration.ZERO);
    if (advice.compareTo(retry.maxRetryAfter()) > 0) {
      return -1;
    }
    long least = advice.toNanos();
    long jitter = least * ADVICE_JITTER_PERCENT / 100;
    return Math.max(wait, least + (jitter > 0 ? random.nextLong(jitter + 1) : 0));
  }

  /** Waits; an interrupt ends the call with what is known so far, and the flag stays set. */
  private boolean pause(long nanos, CallOutcome soFar) {
    try {
      guard.runtime().pause(Duration.ofNanos(nanos));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      outcome = CallOutcome.of(CallStatus.CANCELLED, certainty(soFar));
      failure = e;
      refusal = null;
      return false;
    }
  }

  private static SendCertainty certainty(CallOutcome outcome) {
    return outcome.certainty() == SendCertainty.NOT_SENT
        ? SendCertainty.NOT_SENT
        : SendCertainty.MAYBE_SENT;
  }

  private CallOutcome known() {
    CallOutcome now = outcome;
    if (now == null) {
      throw new IllegalStateException("an attempt ended without an outcome");
    }
    return now;
  }

  private T result() throws E {
    report();
    CallOutcome last = known();
    Throwable thrown = failure;
    boolean isAnswered = refusal == null && last.certainty() == SendCertainty.ANSWERED;
    if (isAnswered && thrown == null) {
      return answered();
    }
    if (isAnswered && !(thrown instanceof CallException)) {
      throw CallFailures.<E>unchecked(thrown);
    }
    throw CallFailures.of(
        target,
        last,
        refusal,
        sent,
        endNanos - startNanos,
        time.nanoTime() - startNanos,
        plan.maxAttempts > 1,
        thrown);
  }

  /** The answer of a successful or answered attempt is whatever the work returned. */
  @SuppressWarnings("NullAway")
  private T answered() {
    return answer;
  }

  private void report() {
    if (guard.events().observesCalls()) {
      guard.events().call(target, known(), sent, time.nanoTime() - startNanos);
    }
  }
}
