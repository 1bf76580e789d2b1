package io.commslib.resilience;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.resilience.TrafficSplit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A policy as the engine reads it for each call. Immutable; replaced as a whole. */
final class Plan {

  /** An attempt with less time than this would only add load. */
  static final long MIN_ATTEMPT_NANOS = 10_000_000;

  final CallPolicy policy;
  final boolean hasDeadline;
  final boolean hasBudget;
  final boolean hasCollapse;
  final boolean hasEndpoints;
  final boolean hasBreaker;
  final boolean hasRate;
  final boolean hasBulkhead;
  final long deadlineNanos;
  final long attemptNanos;
  final long rateWaitNanos;
  final int maxAttempts;
  final long hedgeNanos;
  final int maxHedges;
  final @Nullable TrafficSplit split;
  final @Nullable TrafficMirror mirror;
  final @Nullable FaultInjector faults;

  /** The plan of calls whose operation names its subset: without split and mirror. */
  final Plan unsplit;

  Plan(CallPolicy policy) {
    this(
        policy,
        policy.split().filter(on -> policy.has(Part.SPLIT)).orElse(null),
        policy.mirror().filter(on -> policy.has(Part.MIRROR)).orElse(null));
  }

  private Plan(CallPolicy policy, @Nullable TrafficSplit split, @Nullable TrafficMirror mirror) {
    this.policy = policy;
    this.split = split;
    this.mirror = mirror;
    this.unsplit = split == null && mirror == null ? this : new Plan(policy, null, null);
    this.faults =
        policy
            .faults()
            .filter(on -> policy.has(Part.FAULTS) && on.isActive())
            .map(FaultInjector::new)
            .orElse(null);
    this.hasDeadline = policy.has(Part.DEADLINE);
    this.hasBudget = policy.has(Part.BUDGET);
    this.hasCollapse = policy.has(Part.COLLAPSE);
    this.hasEndpoints = policy.has(Part.ENDPOINTS);
    this.hasBreaker = policy.has(Part.BREAKER);
    this.hasRate = policy.has(Part.RATE_LIMITER);
    this.hasBulkhead = policy.has(Part.BULKHEAD);
    this.deadlineNanos = policy.deadline().toNanos();
    this.attemptNanos =
        policy.has(Part.ATTEMPT_TIMEOUT) ? policy.attemptTimeout().toNanos() : Long.MAX_VALUE / 4;
    this.rateWaitNanos = policy.rateLimiter().map(rate -> rate.maxWait().toNanos()).orElse(0L);
    this.maxAttempts = policy.has(Part.RETRY) ? policy.retry().maxAttempts() : 1;
    Optional<HedgingConfig> hedging = policy.hedging().filter(on -> policy.has(Part.HEDGING));
    this.hedgeNanos = hedging.map(on -> on.delay().toNanos()).orElse(0L);
    this.maxHedges = hedging.map(HedgingConfig::maxExtra).orElse(0);
  }
}
