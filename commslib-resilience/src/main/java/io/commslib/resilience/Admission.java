package io.commslib.resilience;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.TrafficSplit;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an attempt passes before its limits: the choice of its subset, the choice of its endpoint,
 * and the breaker. An endpoint is part of the permit, so that it ends wherever the permit does.
 */
final class Admission {

  /** The permit of an attempt to which no breaker applies. */
  static final Permit FREE = new Unlimited();

  /** Stands for a permit where a remote has no endpoint. */
  static final Permit NO_ENDPOINT = new Unlimited();

  /** A probe that lasts longer than this may be taken for lost. */
  private static final long MAX_LEASE_NANOS = Duration.ofHours(1).toNanos();

  /** The time from the end of an attempt's time until its outcome is known. */
  private static final long LEASE_RESERVE_NANOS = Duration.ofSeconds(1).toNanos();

  private Admission() {}

  private static final class Unlimited implements Permit {
    @Override
    public void ended(CallOutcome outcome, long nanos) {
      // Nothing is counted.
    }

    @Override
    public void released() {
      // Nothing is held.
    }
  }

  /** Returns the permit of an attempt, {@link #NO_ENDPOINT}, or null if the breaker refuses. */
  static @Nullable Permit enter(CallProgress<?> call, long now) {
    TrafficSplit split = call.plan.split;
    if (split == null) {
      return chosen(call, now);
    }
    Permit permit = null;
    // Another call may take the last probe of a subset, so several are asked.
    for (int i = 0; permit == null && i < split.weights().size(); i++) {
      call.operation = call.guard().lanes().next(split, call.operation, call.plan.hasBreaker);
      permit = chosen(call, now);
    }
    return permit;
  }

  private static @Nullable Permit chosen(CallProgress<?> call, long now) {
    EndpointChoice<?> endpoints = call.operation.endpoints();
    return endpoints == null ? breaker(call, now) : chosen(endpoints, call, now);
  }

  private static @Nullable Permit chosen(
      EndpointChoice<?> endpoints, CallProgress<?> call, long now) {
    EndpointPermit<?> endpoint = next(endpoints, call);
    if (endpoint == null) {
      return NO_ENDPOINT;
    }
    Permit permit = null;
    try {
      permit = breaker(call, now);
    } finally {
      if (permit == null) {
        endpoint.released();
      }
    }
    return permit == null ? null : held(call, endpoint, permit);
  }

  private static @Nullable EndpointPermit<?> next(
      EndpointChoice<?> endpoints, CallProgress<?> call) {
    return endpoints.next(call.endpoint, call.operation.lane().subset, call.plan.hasEndpoints);
  }

  private static Permit held(CallProgress<?> call, EndpointPermit<?> endpoint, Permit permit) {
    endpoint.hold(permit);
    call.endpoint = endpoint;
    return endpoint;
  }

  private static @Nullable Permit breaker(CallProgress<?> call, long now) {
    return call.plan.hasBreaker
        ? call.operation.lane().breaker.enter(now, leaseNanos(call, now))
        : FREE;
  }

  /** Longer than an attempt with its wait for a token: its end must find its lease. */
  private static long leaseNanos(CallProgress<?> call, long now) {
    long left = call.endNanos - now;
    long time = call.operation.timeNanos() > 0 ? left : Math.min(left, call.plan.attemptNanos);
    return Math.min(MAX_LEASE_NANOS, time + call.plan.rateWaitNanos) + LEASE_RESERVE_NANOS;
  }

  /**
   * Asks all policies for a further attempt beside those in flight, without any wait. A refusal
   * changes nothing, since the call waits for its other attempts. Otherwise the caller has a slot
   * too. A remote that is being probed is not hedged.
   */
  static @Nullable Permit enterHedge(CallProgress<?> call, long now) {
    if (call.endNanos - now < Plan.MIN_ATTEMPT_NANOS) {
      return null;
    }
    EndpointChoice<?> endpoints = call.operation.endpoints();
    if (endpoints == null) {
      return hedge(call, now);
    }
    EndpointPermit<?> endpoint = next(endpoints, call);
    if (endpoint == null) {
      return null;
    }
    Permit permit = null;
    try {
      permit = hedge(call, now);
    } finally {
      if (permit == null) {
        endpoint.released();
      }
    }
    return permit == null ? null : held(call, endpoint, permit);
  }

  private static @Nullable Permit hedge(CallProgress<?> call, long now) {
    Guard guard = call.guard();
    Plan plan = call.plan;
    Lane lane = call.operation.lane();
    Permit permit = plan.hasBreaker ? lane.breaker.enterClosed() : FREE;
    if (permit == null || (plan.hasBulkhead && !lane.bulkhead.tryAcquire())) {
      return null;
    }
    if ((plan.hasBudget && !guard.budget().tryWithdraw())
        || (plan.hasRate && guard.rate().reserve(0, now) != 0)) {
      call.freeSlot(lane);
      return null;
    }
    return permit;
  }
}
