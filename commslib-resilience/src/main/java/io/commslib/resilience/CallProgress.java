package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.RateLimiter;
import io.commslib.core.resilience.RetryPolicy;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The decisions of one call, for blocking and asynchronous calls alike: which policy refuses an
 * attempt, whether and after which wait another one follows, and how the call ends. It waits for
 * nothing and runs no attempt. Not thread-safe; an asynchronous call holds its lock.
 *
 * <p>The order for each attempt is deadline, split, endpoint, breaker, rate limiter, bulkhead. A
 * call is the object that the tick watches too, and small fields are bytes: it is allocated for
 * each call.
 *
 * @param <T> type of the answer
 */
abstract class CallProgress<T extends @Nullable Object> extends AttemptWatch.Watched {

  private static final long serialVersionUID = 1L;

  /** No attempt follows. */
  static final long ENDS = -1;

  /** A call without any deadline still has this one. */
  private static final long LONGEST_NANOS = Duration.ofDays(365).toNanos();

  private static final byte NOT_REFUSED = -1;

  private static final Refusal[] REFUSALS = Refusal.values();

  /** An attempt may have been sent, the last one or one before it. */
  private static final int IS_PERHAPS_SENT = 1;

  /** More time would have permitted more. */
  private static final int IS_OUT_OF_TIME = 2;

  /** The last attempt has failed. */
  private static final int HAS_FAILED = 4;

  /** Changes between attempts, if the policy splits the calls over subsets. */
  transient GuardedOperation operation;

  /** The endpoint of the last attempt that was admitted, or null. */
  transient @Nullable EndpointPermit<?> endpoint;

  final transient Plan plan;
  final long startNanos;
  final long endNanos;

  private transient @Nullable CallOutcome outcome;

  /** The answer, or with {@link #HAS_FAILED} the failure: a field for each costs 8 bytes a call. */
  private transient @Nullable Object end;

  private byte sent;

  /** The ordinal of the policy that refused the last attempt. */
  private byte refusal = NOT_REFUSED;

  /** The bits of what has happened so far. */
  private byte flags;

  CallProgress(GuardedOperation operation, CallContext outer, @Nullable Thread thread) {
    super(thread);
    this.operation = operation.forOneCall();
    Plan current = operation.guard().plan();
    this.plan = operation.lane().subset == null ? current : current.unsplit;
    this.startNanos = now();
    long own = ownNanos();
    // It may be of another clock, so its remaining time counts.
    this.endNanos = startNanos + Math.min(own, outer.remainingNanos(own));
  }

  /** The time of the operation, or that of the policy. */
  private long ownNanos() {
    if (operation.timeNanos() > 0) {
      return operation.timeNanos();
    }
    return plan.hasDeadline ? plan.deadlineNanos : LONGEST_NANOS;
  }

  final Guard guard() {
    return operation.guard();
  }

  final long now() {
    return operation.guard().time().nanoTime();
  }

  /** Counts the call for the budget. */
  final void deposit() {
    if (plan.hasBudget) {
      guard().budget().deposit(startNanos);
    }
  }

  /**
   * Asks deadline, split, endpoints and breaker; null if one refuses. The caller ends or releases
   * the permit.
   */
  final @Nullable Permit enter(int number, long now) {
    refusal = NOT_REFUSED;
    if (endNanos - now < Plan.MIN_ATTEMPT_NANOS) {
      mark(IS_OUT_OF_TIME);
      refuse(number, Refusal.DEADLINE, Outcomes.NOT_STARTED_IN_TIME);
      return null;
    }
    Permit permit = Admission.enter(this, now);
    if (permit == Admission.NO_ENDPOINT) {
      refuse(number, Refusal.ENDPOINT, Outcomes.NO_ENDPOINT);
      return null;
    }
    if (permit == null) {
      refuse(number, Refusal.BREAKER, breakerOpen());
    }
    return permit;
  }

  private CallOutcome breakerOpen() {
    return CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT)
        .withRetryAfter(operation.lane().breaker.retryAfter())
        .withoutRetry();
  }

  /** Asks the rate limiter; returns the time to wait, or {@link RateLimiter#REFUSED}. */
  final long takeToken(int number, long now) {
    if (!plan.hasRate) {
      return 0;
    }
    long left = endNanos - now - Plan.MIN_ATTEMPT_NANOS;
    long wait = guard().rate().reserve(Math.max(0, Math.min(plan.rateWaitNanos, left)), now);
    if (wait == RateLimiter.REFUSED) {
      refuse(
          number,
          Refusal.RATE_LIMITER,
          Outcomes.EXHAUSTED.withRetryAfter(guard().rate().retryAfter()));
    }
    return wait;
  }

  /** Asks the bulkhead; the caller frees the slot. */
  final boolean takeSlot(int number) {
    if (!plan.hasBulkhead || operation.lane().bulkhead.tryAcquire()) {
      return true;
    }
    refuse(number, Refusal.BULKHEAD, Outcomes.EXHAUSTED);
    return false;
  }

  /** Frees the slot of an attempt, whose lane need not be that of a later one. */
  final void freeSlot(Lane lane) {
    if (plan.hasBulkhead) {
      lane.bulkhead.release();
    }
  }

  /** Refuses the call, since the calls of this process have ended. */
  final void refuseDrained() {
    refuse(1, Refusal.DRAINED, Outcomes.DRAINED);
  }

  private void refuse(int number, Refusal by, CallOutcome refused) {
    // What is known of an earlier attempt stays known: it may have been sent.
    boolean isFirst = outcome == null || outcome.certainty() == SendCertainty.NOT_SENT;
    if (isFirst || by != Refusal.DEADLINE) {
      outcome = isFirst ? refused : Outcomes.afterSending(refused);
      endsWith(null, null);
    }
    refusal = (byte) by.ordinal();
    report(number, refused, 0, by);
  }

  /** Counts an attempt that is about to run; returns the end of its time. */
  final long begins(long now) {
    sent++;
    endsWith(null, null);
    // An operation with a time of its own may use all of it for one attempt.
    boolean isWhole = operation.timeNanos() > 0 || endNanos - now < plan.attemptNanos;
    return isWhole ? endNanos : now + plan.attemptNanos;
  }

  /** Whether an attempt that begins may need a copy: the first one, with a mirror. */
  final boolean isMirrorDue() {
    return plan.mirror != null && sent == 1;
  }

  /** The context of an attempt that ends by a time. */
  final CallContext context(CallContext outer, int number, long untilNanos, Permit permit) {
    Object endpoint = permit instanceof EndpointPermit<?> chosen ? chosen.endpoint() : null;
    return outer
        .forAttempt(number, untilNanos, guard().time(), operation.key())
        .to(operation.lane().subset, endpoint);
  }

  /** Ends the permit of an attempt, which other calls see at once, and reports the attempt. */
  final void settle(
      int number, Permit permit, CallOutcome result, @Nullable Throwable thrown, long nanos) {
    if (result.status() == CallStatus.CANCELLED) {
      // A cancelled attempt says nothing about the callee.
      permit.released();
    } else {
      EndpointPermit.end(permit, result, thrown, nanos);
    }
    report(number, result, nanos, null);
  }

  private void report(int number, CallOutcome result, long nanos, @Nullable Refusal by) {
    if (guard().events().observesCalls()) {
      guard().events().attempt(operation.target(), result, number, nanos, by);
    }
  }

  /** Classifies the end of an attempt; throws what the classifier throws. */
  final CallOutcome classified(
      OutcomeClassifier<? super T> classifier, @Nullable T returned, @Nullable Throwable thrown) {
    FaultInjector faults = plan.faults;
    return faults != null && thrown == FaultInjector.FAILURE
        ? faults.outcome
        : Outcomes.of(classifier, returned, thrown, !hasThread());
  }

  /** Records the end of an attempt. */
  final void ended(CallOutcome result, @Nullable T returned, @Nullable Throwable thrown) {
    CallOutcome now = result;
    if (result.certainty() != SendCertainty.NOT_SENT) {
      mark(IS_PERHAPS_SENT);
    } else if (has(IS_PERHAPS_SENT)) {
      now = Outcomes.afterSending(result);
    }
    outcome = now;
    endsWith(returned, thrown);
    refusal = NOT_REFUSED;
  }

  /** Records that the call was cancelled; an attempt in flight may have been sent. */
  final void cancelled(@Nullable Throwable cause, boolean isInFlight) {
    outcome = isInFlight || has(IS_PERHAPS_SENT) ? Outcomes.INTERRUPTED : Outcomes.CANCELLED_BEFORE;
    endsWith(null, cause);
    refusal = NOT_REFUSED;
  }

  /** Records that the call which this one follows has not ended in time. */
  final void followedTooLong() {
    outcome = Outcomes.TIMED_OUT;
  }

  /** Reports the end of a call that has the answer or failure of another one. */
  final void reportShared(CallOutcome shared) {
    if (guard().events().observesCalls()) {
      guard().events().call(operation.target(), shared, 0, now() - startNanos);
    }
  }

  /**
   * Returns the wait before another attempt, or {@link #ENDS}. Takes from the budget.
   *
   * @param round the number of attempts so far, hedges apart
   */
  final long waitBeforeNext(int round) {
    CallOutcome last = known();
    if (round >= plan.maxAttempts
        || !operation.isRepeated()
        || refusal == Refusal.DEADLINE.ordinal()
        || failure() instanceof Error
        || !RetryPolicy.permits(operation.target(), last)) {
      return ENDS;
    }
    RandomGenerator random = guard().runtime().random();
    long wait = RetryWait.nanos(plan.policy.retry(), round, last, random);
    if (wait == RetryWait.TOO_LONG) {
      return ENDS;
    }
    if (endNanos - now() - wait < Plan.MIN_ATTEMPT_NANOS) {
      mark(IS_OUT_OF_TIME);
      return ENDS;
    }
    return !plan.hasBudget || guard().budget().tryWithdraw() ? wait : ENDS;
  }

  /** The outcome so far. */
  final CallOutcome known() {
    CallOutcome now = outcome;
    if (now == null) {
      throw new IllegalStateException("an attempt ended without an outcome");
    }
    return now;
  }

  /** Whether another call with more time could have continued where this one ended. */
  final boolean isOutOfTime() {
    return has(IS_OUT_OF_TIME) || now() - endNanos >= 0;
  }

  /** Reports the end of the call; returns the failure of the caller, or null with an answer. */
  final @Nullable Throwable finish() {
    CallOutcome last = known();
    boolean isAnswered = refusal == NOT_REFUSED && last.certainty() == SendCertainty.ANSWERED;
    Throwable thrown = failure();
    if (thrown != null) {
      endsWith(null, null);
    }
    boolean isObserved = guard().events().observesCalls();
    // A call that succeeds need not read the clock again.
    long elapsed = isAnswered && thrown == null && !isObserved ? 0 : now() - startNanos;
    if (isObserved) {
      guard().events().call(operation.target(), last, sent, elapsed);
    }
    if (thrown instanceof Error || (isAnswered && (thrown == null || isAnswer(thrown)))) {
      return thrown;
    }
    endsWith(null, null);
    return CallFailures.of(
        operation.target(),
        last,
        refusal == NOT_REFUSED ? null : REFUSALS[refusal],
        sent,
        endNanos - startNanos,
        elapsed,
        plan.maxAttempts > 1 && operation.isRepeated(),
        hasThread(),
        thrown);
  }

  /** Whether the failure of an answered attempt is the answer, which the caller gets unchanged. */
  private static boolean isAnswer(Throwable thrown) {
    return !(thrown instanceof CallException) && thrown != FaultInjector.FAILURE;
  }

  /**
   * The answer, whatever the work returned. The tick may keep a call for a while after its end, so
   * the answer is handed over and not kept.
   */
  @SuppressWarnings({"NullAway", "unchecked"})
  final T takeAnswer() {
    T last = (T) end;
    end = null;
    return last;
  }

  private void endsWith(@Nullable T answer, @Nullable Throwable failure) {
    end = failure == null ? answer : failure;
    flags = (byte) (failure == null ? flags & ~HAS_FAILED : flags | HAS_FAILED);
  }

  private @Nullable Throwable failure() {
    return has(HAS_FAILED) ? (Throwable) end : null;
  }

  private void mark(int flag) {
    flags |= (byte) flag;
  }

  private boolean has(int flag) {
    return (flags & flag) != 0;
  }
}
