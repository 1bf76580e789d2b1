package io.commslib.resilience;

import io.commslib.core.call.AttemptStage;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.RateLimiter;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.ScheduledTask;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One call whose attempts return stages. Its state changes under its lock; code of the user and
 * results run outside of it. The tick watches the call itself for the start of its next hedge, or
 * while it follows a shared call, for its deadline.
 *
 * @param <T> type of the answer
 */
final class AsyncCall<T extends @Nullable Object> extends CallProgress<T> {

  private static final long serialVersionUID = 1L;

  /** What remains to be done once the lock is free. */
  interface Next {
    void run();
  }

  private static final Next NOTHING = () -> {};

  private final transient OutcomeClassifier<? super T> classifier;
  private final transient AttemptStage<T> work;
  private final transient CallContext outer;
  private final transient CallResult<T> result = new CallResult<>(this);
  private final transient List<AsyncAttempt<T>> inFlight = new ArrayList<>(1);

  /** The list, which no other code has: each call would allocate another object for it. */
  private final transient Object lock = inFlight;

  private transient @Nullable ScheduledTask waiting;
  private transient @Nullable SharedCall leads;

  /** The number of attempts, hedges apart. */
  private int round;

  private int number;
  private int hedges;
  private boolean isFollowing;
  private boolean isEnded;

  AsyncCall(
      GuardedOperation operation, OutcomeClassifier<? super T> classifier, AttemptStage<T> work) {
    super(operation, CallContext.current(), null);
    this.classifier = classifier;
    this.work = work;
    this.outer = CallContext.current();
  }

  /** Starts the call on this thread. */
  CompletableFuture<T> start() {
    if (!guard().callsInFlight().begin()) {
      step(this::refused);
    } else if (plan.hasCollapse && operation.collapseKey() != null) {
      step(() -> join(startNanos));
    } else {
      try {
        lead(startNanos);
      } catch (Throwable e) {
        failed(e);
      }
    }
    return result;
  }

  /** A failure of the engine itself must not leave the result open. */
  private void step(Runnable part) {
    try {
      part.run();
    } catch (Throwable e) {
      failed(e);
    }
  }

  private void failed(Throwable failure) {
    Next next;
    synchronized (lock) {
      next = isEnded ? NOTHING : end(SharedCall.End.abandoned(failure));
    }
    next.run();
  }

  /** Ends a call that was not counted. */
  private void refused() {
    SharedCall.End end;
    synchronized (lock) {
      isEnded = true;
      refuseDrained();
      end = SharedCall.End.of(this);
    }
    complete(end.answer(), end.failure());
  }

  private void lead(long now) {
    deposit();
    launch(now);
  }

  /** Makes the next attempt, unless a policy refuses it. */
  private void launch(long now) {
    AsyncAttempt<T> attempt = null;
    Next next = NOTHING;
    synchronized (lock) {
      if (isEnded) {
        return;
      }
      waiting = null;
      round++;
      number++;
      AsyncAttempt<T> made = admitted(now);
      if (made == null) {
        next = repeatOrEnd();
      } else if (made.begunNanos == 0) {
        attempt = made;
      } else {
        waiting = guard().threads().after(made.begunNanos, () -> step(() -> send(made, now())));
        next = waiting == null ? cancelled() : NOTHING;
      }
    }
    next.run();
    if (attempt != null) {
      send(attempt, now);
    }
  }

  /** Returns an attempt that has all but its slot, or null if a policy refuses it. */
  private @Nullable AsyncAttempt<T> admitted(long now) {
    Permit permit = enter(number, now);
    if (permit == null) {
      return null;
    }
    AsyncAttempt<T> made = null;
    try {
      long wait = takeToken(number, now);
      if (wait != RateLimiter.REFUSED) {
        made = new AsyncAttempt<>(this, number, permit, operation.lane());
        made.begunNanos = wait;
        inFlight.add(made);
      }
    } finally {
      if (made == null) {
        permit.released();
      }
    }
    return made;
  }

  private void send(AsyncAttempt<T> attempt, long now) {
    Next next;
    synchronized (lock) {
      if (isEnded) {
        return;
      }
      next = takeSlot(attempt.number) ? begin(attempt, now) : null;
      if (next == null) {
        inFlight.remove(attempt);
        attempt.permit.released();
        next = repeatOrEnd();
      }
    }
    next.run();
  }

  /** Begins an attempt that has all it needs. */
  private Next begin(AsyncAttempt<T> attempt, long now) {
    try {
      return watched(attempt, now);
    } catch (Throwable e) {
      // Its work was not started, so no stage will end it.
      AttemptWatch.tryEnd(attempt);
      if (inFlight.remove(attempt)) {
        attempt.permit.released();
        freeSlot(operation.lane());
      }
      throw e;
    }
  }

  private Next watched(AsyncAttempt<T> attempt, long now) {
    attempt.isSent = true;
    attempt.begunNanos = now;
    long until = begins(now);
    SharedCall own = leads;
    CallContext around = own == null ? outer : own.context(outer);
    CallContext context = context(around, attempt.number, until, attempt.permit);
    if (hedges < plan.maxHedges
        && operation.isRepeated()
        && operation.target().idempotency().isRepeatable()) {
      guard().watch().restart(this, now + plan.hedgeNanos);
    }
    // Under the lock, so that a cancel on another thread finds an attempt that it can end.
    guard().watch().begin(attempt, until);
    MirroredCall<T> copy =
        isMirrorDue()
            ? MirroredCall.of(
                this, outer, lane -> new StageCopy<>(this, lane, outer, classifier, work))
            : null;
    return new StageStart<>(attempt, work, context, copy);
  }

  /** Called by the tick. */
  @Override
  void overran(AttemptWatch watch) {
    guard().threads().execute(() -> step(this::due));
  }

  private void due() {
    Next next = NOTHING;
    synchronized (lock) {
      if (!isEnded && isFollowing) {
        next = expired();
      } else if (!isEnded && isAnySent()) {
        next = hedge(now());
      }
    }
    next.run();
  }

  private boolean isAnySent() {
    return inFlight.stream().anyMatch(attempt -> attempt.isSent);
  }

  private Next hedge(long now) {
    Permit permit = Admission.enterHedge(this, now);
    if (permit == null) {
      return NOTHING;
    }
    hedges++;
    number++;
    AsyncAttempt<T> attempt = new AsyncAttempt<>(this, number, permit, operation.lane());
    inFlight.add(attempt);
    return begin(attempt, now);
  }

  /** The stage of an attempt has ended before its time was over. */
  void returned(AsyncAttempt<T> attempt, @Nullable T answer, @Nullable Throwable thrown) {
    try {
      CallOutcome outcome;
      Throwable failure = thrown;
      try {
        outcome = classified(classifier, answer, thrown);
      } catch (Throwable e) {
        failure = e;
        outcome = Outcomes.UNCLASSIFIED;
      }
      attemptEnded(attempt, outcome, answer, failure);
    } catch (Throwable e) {
      failed(e);
    }
  }

  /** The tick has ended an attempt. */
  void timedOut(AsyncAttempt<T> attempt) {
    step(() -> attemptEnded(attempt, Outcomes.TIMED_OUT, null, null));
  }

  private void attemptEnded(
      AsyncAttempt<T> attempt,
      CallOutcome outcome,
      @Nullable T answer,
      @Nullable Throwable failure) {
    settle(attempt.number, attempt.permit, outcome, failure, now() - attempt.begunNanos);
    Next next = NOTHING;
    synchronized (lock) {
      inFlight.remove(attempt);
      if (!isEnded) {
        ended(outcome, answer, failure);
        boolean isLast =
            failure instanceof Error || !RetryPolicy.permits(operation.target(), outcome);
        // One that is still in flight may answer.
        next = isLast || inFlight.isEmpty() ? repeatOrEnd() : NOTHING;
      }
    }
    next.run();
  }

  private Next repeatOrEnd() {
    long wait = known().isSuccess() ? ENDS : waitBeforeNext(round);
    if (wait == ENDS) {
      return ending();
    }
    waiting = guard().threads().after(wait, () -> step(() -> launch(now())));
    return waiting == null ? ending() : NOTHING;
  }

  private Next ending() {
    if (leads != null) {
      return end(SharedCall.End.of(this));
    }
    Throwable failure = finish();
    return end(failure == null ? takeAnswer() : null, failure);
  }

  /** The caller has completed or cancelled the result, or this call has completed it. */
  void abandoned() {
    try {
      Next next;
      synchronized (lock) {
        next = isEnded ? NOTHING : cancelled();
      }
      next.run();
    } catch (Throwable e) {
      failed(e);
    }
  }

  private Next cancelled() {
    cancelled(null, isAnySent());
    return ending();
  }

  private Next end(SharedCall.End end) {
    SharedCall own = leads;
    Next alone = end(end.answer(), end.failure());
    if (own == null) {
      return alone;
    }
    return () -> {
      try {
        guard().shared().end(own, end);
      } finally {
        alone.run();
      }
    };
  }

  private Next end(@Nullable Object answer, @Nullable Throwable failure) {
    isEnded = true;
    isFollowing = false;
    AttemptWatch.tryEnd(this);
    if (waiting != null) {
      waiting.cancel();
    }
    List<AsyncAttempt<T>> losers = stopAll();
    return () -> {
      try {
        losers.forEach(loser -> guard().threads().cancel(loser::cancelStage));
        complete(answer, failure);
      } finally {
        // After what depends on the result and runs on this thread.
        guard().callsInFlight().end();
      }
    };
  }

  /** Ends all attempts in flight as cancelled; returns those whose stages are to be cancelled. */
  private List<AsyncAttempt<T>> stopAll() {
    if (inFlight.isEmpty()) {
      return List.of();
    }
    List<AsyncAttempt<T>> stopped = new ArrayList<>(inFlight.size());
    for (AsyncAttempt<T> attempt : inFlight) {
      if (!attempt.isSent) {
        attempt.permit.released();
      } else if (attempt.tryCancel()) {
        settle(
            attempt.number, attempt.permit, Outcomes.INTERRUPTED, null, now() - attempt.begunNanos);
        stopped.add(attempt);
      }
    }
    inFlight.clear();
    return stopped;
  }

  /** Equal keys have answers of one type, which the caller declares. */
  @SuppressWarnings("unchecked")
  private void complete(@Nullable Object answer, @Nullable Throwable failure) {
    if (failure == null) {
      result.complete((T) answer);
    } else {
      result.completeExceptionally(failure);
    }
  }

  /** Leads or follows a shared call. */
  private void join(long now) {
    SharedCall own = new SharedCall(operation, null, outer);
    SharedCall joined = guard().shared().join(own);
    boolean isLeading = joined == null || joined == own;
    synchronized (lock) {
      if (isEnded) {
        if (joined != null && !isLeading) {
          joined.leave(own);
        }
        guard().shared().end(own, SharedCall.End.abandoned(null));
        return;
      }
      leads = joined == own ? own : null;
      isFollowing = !isLeading;
      if (isFollowing) {
        guard().watch().restart(this, endNanos);
      }
    }
    if (joined == null || isLeading) {
      lead(now);
    } else {
      joined
          .end()
          .whenComplete(
              (end, none) -> {
                joined.leave(own);
                guard().threads().execute(() -> step(() -> followed(end)));
              });
    }
  }

  private void followed(SharedCall.End end) {
    Next next = NOTHING;
    synchronized (lock) {
      if (isEnded || !isFollowing) {
        return;
      }
      isFollowing = false;
      AttemptWatch.tryEnd(this);
      if (end.isFor(this)) {
        reportShared(end.outcome());
        next = end(end);
      }
    }
    next.run();
    if (next == NOTHING) {
      join(now());
    }
  }

  private Next expired() {
    followedTooLong();
    return ending();
  }
}
