package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * All policies of the calls to one remote. They apply in a fixed order, whatever the order of the
 * builder's calls: collapse, total deadline, retries and hedges with one budget, and for each
 * attempt split, endpoint, breaker, rate limiter, bulkhead, faults and attempt timeout. Immutable.
 */
public final class CallPolicy {

  /** The default time of a call. */
  public static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(5);

  /** The default time of an attempt. */
  public static final Duration DEFAULT_ATTEMPT_TIMEOUT = Duration.ofSeconds(2);

  /** The default maximum number of attempts in flight to one remote. */
  public static final int DEFAULT_MAX_IN_FLIGHT = 64;

  /** A policy that can be switched off by its name. */
  public enum Part {
    /** The sharing of one call by equal calls, for operations that ask for it. */
    COLLAPSE,
    /** The total deadline; one of the {@code CallContext} still holds. */
    DEADLINE,
    /** Retries. */
    RETRY,
    /** Further attempts beside one that has no answer yet. */
    HEDGING,
    /** The bound of retries and hedges. */
    BUDGET,
    /** The choice of a subset of the remote's instances by weight. */
    SPLIT,
    /** Copies of calls for a subset of the remote's instances. */
    MIRROR,
    /** The choice of an endpoint; without it each attempt goes to the first one. */
    ENDPOINTS,
    /** The circuit breaker. */
    BREAKER,
    /** The rate limiter. */
    RATE_LIMITER,
    /** The bound of attempts in flight. */
    BULKHEAD,
    /** Faults that are injected for a test. */
    FAULTS,
    /** The time of an attempt; the deadline still holds. */
    ATTEMPT_TIMEOUT
  }

  private static final CallPolicy DEFAULTS = builder().build();

  private final PolicyValues settings;
  private final Duration attemptTimeout;

  private CallPolicy(PolicyValues settings) {
    this.settings = settings;
    Duration given = settings.attemptTimeout;
    this.attemptTimeout = given != null ? given : shorter(DEFAULT_ATTEMPT_TIMEOUT, settings);
  }

  /** A default never exceeds a deadline that was set. */
  private static Duration shorter(Duration timeout, PolicyValues settings) {
    return settings.without.contains(Part.DEADLINE) || timeout.compareTo(settings.deadline) < 0
        ? timeout
        : settings.deadline;
  }

  /** {@return the policy of a remote for which nothing is set} */
  public static CallPolicy defaults() {
    return DEFAULTS;
  }

  /** {@return a builder with the defaults} */
  public static Builder builder() {
    return new Builder(new PolicyValues());
  }

  /** {@return a builder with these policies} */
  public Builder toBuilder() {
    return new Builder(new PolicyValues(settings));
  }

  /**
   * Returns whether a policy is switched on.
   *
   * @param part the policy
   * @return whether it applies
   */
  public boolean has(Part part) {
    return !settings.without.contains(part)
        && (part != Part.RATE_LIMITER || settings.rateLimiter != null)
        && (part != Part.HEDGING || settings.hedging != null)
        && (part != Part.SPLIT || settings.split != null)
        && (part != Part.MIRROR || settings.mirror != null)
        && (part != Part.FAULTS || settings.faults != null);
  }

  /** {@return the time of a call, all attempts and waits included} */
  public Duration deadline() {
    return settings.deadline;
  }

  /** {@return the time of an attempt} */
  public Duration attemptTimeout() {
    return attemptTimeout;
  }

  /** {@return attempts, waits and the rule that permits a repetition} */
  public RetryPolicy retry() {
    return settings.retry;
  }

  /** {@return the settings of hedging, or empty without hedging} */
  public Optional<HedgingConfig> hedging() {
    return Optional.ofNullable(settings.hedging);
  }

  /** {@return the bound of retries and hedges} */
  public RetryBudgetConfig budget() {
    return settings.budget;
  }

  /** {@return the weights of subsets, or empty without a split} */
  public Optional<TrafficSplit> split() {
    return Optional.ofNullable(settings.split);
  }

  /** {@return the mirror of {@code SAFE} calls, or empty without one} */
  public Optional<TrafficMirror> mirror() {
    return Optional.ofNullable(settings.mirror);
  }

  /** {@return the settings of the circuit breaker} */
  public CircuitBreakerConfig breaker() {
    return settings.breaker;
  }

  /** {@return the maximum number of attempts in flight} */
  public int maxInFlight() {
    return settings.maxInFlight;
  }

  /** {@return the settings of the rate limiter, or empty without one} */
  public Optional<RateLimiterConfig> rateLimiter() {
    return Optional.ofNullable(settings.rateLimiter);
  }

  /** {@return the faults to inject, or empty without them} */
  public Optional<FaultConfig> faults() {
    return Optional.ofNullable(settings.faults);
  }

  @Override
  public String toString() {
    return "CallPolicy{" + settings + ", attemptTimeout=" + attemptTimeout + "}";
  }

  /** Builds a policy. Mutable; confined to one thread. */
  public static final class Builder {
    private final PolicyValues values;

    private Builder(PolicyValues values) {
      this.values = values;
    }

    /**
     * Sets the time of a call. A deadline of the context that is earlier holds.
     *
     * @param deadline 10 ms to 1 h; default 5 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder deadline(Duration deadline) {
      values.deadline =
          Checks.inRange("deadline", deadline, Duration.ofMillis(10), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the time of an attempt.
     *
     * @param attemptTimeout 10 ms to the deadline; default 2 s, or the deadline if that is shorter
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder attemptTimeout(Duration attemptTimeout) {
      values.attemptTimeout =
          Checks.inRange(
              "attemptTimeout", attemptTimeout, Duration.ofMillis(10), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets attempts and waits.
     *
     * @param retry default {@link RetryPolicy#defaults()}
     * @return this builder
     */
    public Builder retry(RetryPolicy retry) {
      values.retry = Objects.requireNonNull(retry, "retry");
      return this;
    }

    /**
     * Sets hedging, for calls that return stages. Targets that must not be repeated are not hedged.
     *
     * @param hedging default none
     * @return this builder
     */
    public Builder hedging(HedgingConfig hedging) {
      values.hedging = Objects.requireNonNull(hedging, "hedging");
      return this;
    }

    /**
     * Sets the bound of retries and hedges.
     *
     * @param budget default {@link RetryBudgetConfig#defaults()}
     * @return this builder
     */
    public Builder budget(RetryBudgetConfig budget) {
      values.budget = Objects.requireNonNull(budget, "budget");
      return this;
    }

    /**
     * Splits the calls over subsets of the remote's instances. Each subset has a breaker and a
     * bulkhead of its own.
     *
     * @param split the weights; default none
     * @return this builder
     */
    public Builder split(TrafficSplit split) {
      values.split = Objects.requireNonNull(split, "split");
      return this;
    }

    /**
     * Copies a share of the {@code SAFE} calls to a subset of the remote's instances. The copies
     * affect neither the calls nor what the calls share; their answers are discarded. The code of
     * an attempt must choose the instance by its subset or endpoint.
     *
     * @param mirror the subset and the share; default none
     * @return this builder
     */
    public Builder mirror(TrafficMirror mirror) {
      values.mirror = Objects.requireNonNull(mirror, "mirror");
      return this;
    }

    /**
     * Sets the circuit breaker.
     *
     * @param breaker default {@link CircuitBreakerConfig#defaults()}
     * @return this builder
     */
    public Builder breaker(CircuitBreakerConfig breaker) {
      values.breaker = Objects.requireNonNull(breaker, "breaker");
      return this;
    }

    /**
     * Sets the maximum number of attempts in flight.
     *
     * @param maxInFlight 1 to 100,000; default 64
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxInFlight(int maxInFlight) {
      values.maxInFlight = Checks.inRange("maxInFlight", maxInFlight, 1, 100_000);
      return this;
    }

    /**
     * Sets a rate limiter.
     *
     * @param rateLimiter default none
     * @return this builder
     */
    public Builder rateLimiter(RateLimiterConfig rateLimiter) {
      values.rateLimiter = Objects.requireNonNull(rateLimiter, "rateLimiter");
      return this;
    }

    /**
     * Sets faults that are injected, for tests of what depends on the remote.
     *
     * @param faults default none
     * @return this builder
     */
    public Builder faults(FaultConfig faults) {
      values.faults = Objects.requireNonNull(faults, "faults");
      return this;
    }

    /**
     * Switches a policy off.
     *
     * @param part the policy; by default all are on but the rate limiter, hedging, the split, the
     *     mirror and faults, which need settings
     * @return this builder
     */
    public Builder without(Part part) {
      values.without.add(Objects.requireNonNull(part, "part"));
      return this;
    }

    /**
     * Switches a policy on that was switched off.
     *
     * @param part the policy; by default all are on but those that need settings
     * @return this builder
     */
    public Builder with(Part part) {
      values.without.remove(Objects.requireNonNull(part, "part"));
      return this;
    }

    /**
     * Builds the policy.
     *
     * @return the policy
     * @throws IllegalArgumentException if the time of an attempt exceeds that of the call
     */
    public CallPolicy build() {
      Duration attempt = values.attemptTimeout;
      if (attempt != null && !values.without.contains(Part.DEADLINE)) {
        Checks.inRange("attemptTimeout", attempt, Duration.ofMillis(10), values.deadline);
      }
      return new CallPolicy(new PolicyValues(values));
    }
  }
}
