package io.commslib.resilience;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.TrafficMirror;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One copy of a call for the subset that its policy mirrors to: one attempt, with a breaker, a
 * bulkhead and a deadline of its own. It knows nothing of the call but its work, context and end,
 * and only the observer learns how it has ended.
 *
 * @param <T> type of the answer
 */
abstract class MirroredCall<T extends @Nullable Object> implements Runnable {

  /** A copy whose call has no deadline still has this one. */
  private static final long LONGEST_NANOS = Duration.ofMinutes(1).toNanos();

  final Guard guard;
  private final Lane lane;
  private final CallTarget target;
  private final @Nullable String key;
  private final @Nullable EndpointChoice<?> endpoints;
  private final boolean hasEndpoints;
  private final boolean hasBreaker;
  private final long untilNanos;
  private final CallContext outer;
  private final OutcomeClassifier<? super T> classifier;
  private final AtomicBoolean hasEnded = new AtomicBoolean();
  private @Nullable Permit permit;
  private long begunNanos;

  MirroredCall(
      CallProgress<?> call, Lane lane, CallContext outer, OutcomeClassifier<? super T> classifier) {
    GuardedOperation operation = call.operation;
    this.guard = call.guard();
    this.lane = lane;
    this.target = operation.target().inSubset(Objects.requireNonNull(lane.subset));
    this.key = operation.key();
    this.endpoints = operation.endpoints();
    this.hasEndpoints = call.plan.hasEndpoints;
    this.hasBreaker = call.plan.hasBreaker;
    this.untilNanos = call.endNanos;
    this.outer = outer;
    this.classifier = classifier;
  }

  /**
   * Makes the copy of a call by chance, or returns null for none. Asked once, when its first
   * attempt begins. A failure must not reach the call.
   */
  static <T extends @Nullable Object> @Nullable MirroredCall<T> of(
      CallProgress<T> call, CallContext outer, Function<Lane, MirroredCall<T>> maker) {
    try {
      Lane lane = laneFor(call, outer);
      return lane == null ? null : maker.apply(lane);
    } catch (Throwable e) {
      return null;
    }
  }

  private static @Nullable Lane laneFor(CallProgress<?> call, CallContext outer) {
    TrafficMirror mirror = call.plan.mirror;
    GuardedOperation operation = call.operation;
    if (mirror == null
        || operation.target().idempotency() != Idempotency.SAFE
        || !operation.isMirrored()
        || outer.isMirrored()
        || mirror.subset().equals(operation.lane().subset)
        || call.guard().runtime().random().nextInt(100) >= mirror.percent()) {
      return null;
    }
    Lane lane = call.guard().lanes().mirror();
    // The policy may have been replaced in the meantime.
    return lane != null && mirror.subset().equals(lane.subset) ? lane : null;
  }

  Lane lane() {
    return lane;
  }

  /** Makes the attempt, on a thread of the mirrors. */
  @Override
  public final void run() {
    try {
      Refusal refusal = enter();
      if (refusal == null) {
        long until = Math.min(untilNanos, begunNanos + timeNanos());
        send(context(until), until);
      } else {
        dropped(refusal);
        guard.mirrors().end(this);
      }
    } catch (Throwable e) {
      // Without memory, for example: nothing may stay taken.
      ended(Outcomes.INTERRUPTED, e);
      guard.mirrors().end(this);
      throw e;
    }
  }

  /** The time of an attempt of the policy in use. */
  private long timeNanos() {
    return Math.min(LONGEST_NANOS, guard.plan().attemptNanos);
  }

  private @Nullable Refusal enter() {
    begunNanos = guard.time().nanoTime();
    if (guard.mirrors().isClosed()) {
      return Refusal.DRAINED;
    }
    if (untilNanos - begunNanos < Plan.MIN_ATTEMPT_NANOS) {
      return Refusal.DEADLINE;
    }
    EndpointPermit<?> endpoint = null;
    if (endpoints != null) {
      // The endpoints of the calls themselves must not get their copies.
      String subset = Objects.requireNonNull(lane.subset);
      endpoint = endpoints.hasSubset(subset) ? endpoints.next(null, subset, hasEndpoints) : null;
      if (endpoint == null) {
        return Refusal.ENDPOINT;
      }
      permit = endpoint;
    }
    Permit entered = hasBreaker ? lane.breaker.tryAcquire() : Admission.FREE;
    if (entered == null) {
      if (endpoint != null) {
        endpoint.released();
      }
      return Refusal.BREAKER;
    }
    if (endpoint == null) {
      permit = entered;
    } else {
      endpoint.hold(entered);
    }
    return null;
  }

  private CallContext context(long until) {
    Object endpoint = permit instanceof EndpointPermit<?> chosen ? chosen.endpoint() : null;
    return outer.asMirrored().forAttempt(1, until, guard.time(), key).to(lane.subset, endpoint);
  }

  /** Makes the attempt; its end is reported once. */
  abstract void send(CallContext context, long until);

  /** Stops a copy, because the process ends. */
  abstract void abandon();

  /** The attempt has ended by itself. */
  final void ended(@Nullable T answer, @Nullable Throwable thrown) {
    CallOutcome outcome;
    Throwable failure = thrown;
    try {
      outcome = Outcomes.of(classifier, answer, thrown, true);
    } catch (Throwable e) {
      failure = e;
      outcome = Outcomes.UNCLASSIFIED;
    }
    ended(outcome, failure);
  }

  final void ended(CallOutcome outcome, @Nullable Throwable thrown) {
    Permit held = permit;
    if (held == null || !hasEnded.compareAndSet(false, true)) {
      return;
    }
    long nanos = guard.time().nanoTime() - begunNanos;
    if (outcome.status() == CallStatus.CANCELLED) {
      held.released();
    } else {
      EndpointPermit.end(held, outcome, thrown, nanos);
    }
    report(outcome, nanos, null);
  }

  final void dropped(Refusal refusal) {
    guard.countDropped();
    CallOutcome outcome = refusal == Refusal.DEADLINE ? Outcomes.EXPIRED : Outcomes.EXHAUSTED;
    report(outcome, 0, refusal);
  }

  private void report(CallOutcome outcome, long nanos, @Nullable Refusal refusal) {
    if (guard.events().observesCalls()) {
      guard.events().mirror(target, outcome, nanos, refusal);
    }
  }
}
