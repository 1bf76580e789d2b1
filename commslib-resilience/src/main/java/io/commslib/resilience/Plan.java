package io.commslib.resilience;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.HedgingConfig;
import java.util.Optional;

/** A policy as the engine reads it for each call. Immutable; replaced as a whole. */
final class Plan {

  /** An attempt with less time than this would only add load. */
  static final long MIN_ATTEMPT_NANOS = 10_000_000;

  final CallPolicy policy;
  final boolean hasDeadline;
  final boolean hasBudget;
  final boolean hasCollapse;
  final boolean hasBreaker;
  final boolean hasRate;
  final boolean hasBulkhead;
  final long deadlineNanos;
  final long attemptNanos;
  final long rateWaitNanos;
  final int maxAttempts;
  final long hedgeNanos;
  final int maxHedges;

  Plan(CallPolicy policy) {
    this.policy = policy;
    this.hasDeadline = policy.has(Part.DEADLINE);
    this.hasBudget = policy.has(Part.BUDGET);
    this.hasCollapse = policy.has(Part.COLLAPSE);
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
