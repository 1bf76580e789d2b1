package io.commslib.resilience;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker.State;
import org.jspecify.annotations.Nullable;

/**
 * What the attempts to one subset of a remote share: a breaker and a bulkhead, so that a subset
 * that fails or is slow takes nothing from the others. Thread-safe.
 */
final class Lane {

  /** Null for the calls without a subset. */
  final @Nullable String subset;

  final PhaseBreaker breaker;
  final SlotBulkhead bulkhead;

  Lane(@Nullable String subset, PhaseBreaker breaker, int maxInFlight) {
    this.subset = subset;
    this.breaker = breaker;
    this.bulkhead = new SlotBulkhead(maxInFlight);
  }

  /** Replaces the settings; the state stays. */
  void replace(CallPolicy policy) {
    breaker.settings(policy.breaker(), policy.attemptTimeout());
    bulkhead.limit(policy.maxInFlight());
  }

  boolean isClosed() {
    State state = breaker.state();
    return state == State.CLOSED || state == State.DISABLED;
  }
}
