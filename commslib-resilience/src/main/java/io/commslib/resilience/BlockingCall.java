package io.commslib.resilience;

import io.commslib.core.call.AttemptWork;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.RateLimiter;
import io.commslib.core.time.WorkInterrupts;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One call on the caller's thread: attempts and waits until an answer, the deadline, or an outcome
 * that must not be repeated. Used once. What was acquired is given back in each way out, and no
 * slot is held between attempts.
 *
 * <p>Classifier and work are passed on and not kept, so that a call is a small object.
 *
 * @param <T> type of the answer
 * @param <E> type of the checked failure
 */
final class BlockingCall<T extends @Nullable Object, E extends Exception> extends CallProgress<T> {

  private static final long serialVersionUID = 1L;

  BlockingCall(GuardedOperation operation) {
    super(operation, CallContext.current(), Thread.currentThread());
  }

  T run(OutcomeClassifier<? super T> classifier, AttemptWork<T, E> work) throws E {
    CallsInFlight calls = guard().callsInFlight();
    if (!calls.begin()) {
      refuseDrained();
      return ended();
    }
    try {
      if (plan.hasCollapse && operation.collapseKey() != null) {
        return shared(classifier, work);
      }
      attempts(startNanos, classifier, work);
      return ended();
    } finally {
      calls.end();
    }
  }

  private T ended() throws E {
    Throwable thrown = finish();
    if (thrown != null) {
      throw CallFailures.<E>unchecked(thrown);
    }
    return takeAnswer();
  }

  private void attempts(long now, OutcomeClassifier<? super T> classifier, AttemptWork<T, E> work) {
    deposit();
    int round = 1;
    attempt(round, now, classifier, work);
    while (repeats(round)) {
      round++;
      attempt(round, now(), classifier, work);
    }
  }

  /** Leads a shared call, or follows one until its end or the own deadline. */
  private T shared(OutcomeClassifier<? super T> classifier, AttemptWork<T, E> work) throws E {
    // A call that leads at once has all of its time, however short.
    long begin = startNanos;
    while (true) {
      SharedCall own = new SharedCall(operation, Thread.currentThread(), CallContext.current());
      SharedCall joined = guard().shared().join(own);
      if (joined == null || joined == own) {
        return answered(lead(own, begin, classifier, work));
      }
      SharedCall.End end = follow(joined);
      joined.leave(own);
      if (end == null) {
        return answered(SharedCall.End.of(this));
      }
      if (end.isFor(this)) {
        reportShared(end.outcome());
        return answered(end);
      }
      begin = now();
    }
  }

  private SharedCall.End lead(
      SharedCall own, long begin, OutcomeClassifier<? super T> classifier, AttemptWork<T, E> work) {
    SharedCall.End end = SharedCall.End.abandoned(null);
    CallContext before = own.context(CallContext.current()).attach();
    try {
      attempts(begin, classifier, work);
      end = SharedCall.End.of(this);
    } finally {
      before.restore();
      guard().shared().end(own, end);
    }
    return end;
  }

  /** Waits for the end of another call; null if the own deadline or an interrupt is first. */
  private SharedCall.@Nullable End follow(SharedCall leader) {
    AttemptWatch watch = guard().watch();
    Following following = new Following();
    watch.begin(following, endNanos);
    SharedCall.End end = null;
    InterruptedException interrupt = null;
    try {
      end = leader.await();
    } catch (InterruptedException e) {
      interrupt = e;
    }
    boolean isOver = watch.end(following);
    if (end == null && isOver) {
      followedTooLong();
    } else if (interrupt != null) {
      Thread.currentThread().interrupt();
      cancelled(interrupt, false);
    }
    return end;
  }

  /** Watched while it waits; it is no attempt, so that its end is not counted as one. */
  private static final class Following extends AttemptWatch.Watched {
    private static final long serialVersionUID = 1L;

    private final transient Thread waiting = Thread.currentThread();

    Following() {
      super(Thread.currentThread());
    }

    @Override
    void overran(AttemptWatch watch) {
      WorkInterrupts.interrupt(this, waiting);
    }
  }

  /** Equal keys have answers of one type, which the caller declares. */
  @SuppressWarnings({"unchecked", "NullAway"})
  private T answered(SharedCall.End end) throws E {
    Throwable failure = end.failure();
    if (failure != null) {
      throw CallFailures.<E>unchecked(failure);
    }
    return (T) end.answer();
  }

  /** Makes an attempt; afterwards its outcome is known. */
  private void attempt(
      int number, long now, OutcomeClassifier<? super T> classifier, AttemptWork<T, E> work) {
    Permit permit = enter(number, now);
    if (permit == null) {
      return;
    }
    boolean isMade = false;
    try {
      isMade = limited(number, now, permit, classifier, work);
    } finally {
      if (!isMade) {
        permit.released();
      }
    }
  }

  /** Returns whether the attempt was made; otherwise it was refused. */
  private boolean limited(
      int number,
      long now,
      Permit permit,
      OutcomeClassifier<? super T> classifier,
      AttemptWork<T, E> work) {
    long wait = takeToken(number, now);
    if (wait == RateLimiter.REFUSED || (wait > 0 && !pause(wait))) {
      return false;
    }
    long begin = wait == 0 ? now : now();
    if (!takeSlot(number)) {
      return false;
    }
    try {
      send(number, begin, permit, classifier, work);
    } finally {
      freeSlot(operation.lane());
    }
    return true;
  }

  private void send(
      int number,
      long began,
      Permit permit,
      OutcomeClassifier<? super T> classifier,
      AttemptWork<T, E> work) {
    long until = begins(began);
    CallContext outer = CallContext.current();
    CallContext context = context(outer, number, until, permit);
    AttemptWatch watch = guard().watch();
    watch.begin(this, until);
    if (isMirrorDue()) {
      mirror(outer, classifier, work);
    }
    T answer = null;
    Throwable thrown = null;
    boolean overran;
    try {
      context.attach();
      if (plan.faults != null) {
        plan.faults.inject(guard().runtime());
      }
      answer = work.run(context);
    } catch (Throwable e) {
      thrown = e;
    } finally {
      overran = watch.end(this);
      outer.attach();
    }
    if (overran) {
      watch.returned();
    }
    long nanos = now() - began;
    CallOutcome result;
    if (overran) {
      result = Outcomes.TIMED_OUT;
    } else if (thrown instanceof InterruptedException) {
      Thread.currentThread().interrupt();
      result = Outcomes.INTERRUPTED;
    } else {
      try {
        result = classified(classifier, answer, thrown);
      } catch (Throwable e) {
        thrown = e;
        result = Outcomes.UNCLASSIFIED;
      }
    }
    ended(result, answer, thrown);
    settle(number, permit, result, thrown, nanos);
  }

  private void mirror(
      CallContext outer, OutcomeClassifier<? super T> classifier, AttemptWork<T, E> work) {
    MirroredCall<T> copy =
        MirroredCall.of(
            this, outer, lane -> new BlockingCopy<>(this, lane, outer, classifier, work));
    if (copy != null) {
      guard().mirrors().offer(copy);
    }
  }

  /** Decides whether another attempt follows, and waits for it. */
  private boolean repeats(int round) {
    if (known().isSuccess()) {
      return false;
    }
    long wait = waitBeforeNext(round);
    return wait != ENDS && pause(wait);
  }

  /** Waits; an interrupt ends the call with what is known so far, and the flag stays set. */
  private boolean pause(long nanos) {
    try {
      guard().runtime().pause(Duration.ofNanos(nanos));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      cancelled(e, false);
      return false;
    }
  }
}
