package io.commslib.core.resilience;

import io.commslib.core.resilience.CallPolicy.Part;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The values of a {@link CallPolicy} and of its builder, which copy them. */
final class PolicyValues {

  Duration deadline = CallPolicy.DEFAULT_DEADLINE;
  @Nullable Duration attemptTimeout;
  RetryPolicy retry = RetryPolicy.defaults();
  @Nullable HedgingConfig hedging;
  RetryBudgetConfig budget = RetryBudgetConfig.defaults();
  @Nullable TrafficSplit split;
  @Nullable TrafficMirror mirror;
  CircuitBreakerConfig breaker = CircuitBreakerConfig.defaults();
  int maxInFlight = CallPolicy.DEFAULT_MAX_IN_FLIGHT;
  @Nullable RateLimiterConfig rateLimiter;
  @Nullable FaultConfig faults;
  final Set<Part> without = EnumSet.noneOf(Part.class);

  PolicyValues() {}

  PolicyValues(PolicyValues other) {
    deadline = other.deadline;
    attemptTimeout = other.attemptTimeout;
    retry = other.retry;
    hedging = other.hedging;
    budget = other.budget;
    split = other.split;
    mirror = other.mirror;
    breaker = other.breaker;
    maxInFlight = other.maxInFlight;
    rateLimiter = other.rateLimiter;
    faults = other.faults;
    without.addAll(other.without);
  }

  @Override
  public String toString() {
    return "deadline="
        + deadline
        + ", retry="
        + retry
        + ", hedging="
        + (hedging == null ? "none" : hedging)
        + ", budget="
        + budget
        + ", split="
        + (split == null ? "none" : split)
        + ", mirror="
        + (mirror == null ? "none" : mirror)
        + ", breaker="
        + breaker
        + ", maxInFlight="
        + maxInFlight
        + ", rateLimiter="
        + (rateLimiter == null ? "none" : rateLimiter)
        + ", faults="
        + (faults == null ? "none" : faults)
        + ", without="
        + without;
  }
}
