package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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

  private static final CallPolicy DEFAULTS = new Builder().build();

  private final Builder settings;
  private final Duration attemptTimeout;

  private CallPolicy(Builder settings) {
    this.settings = settings;
    Duration given = settings.attemptTimeout;
    this.attemptTimeout = given != null ? given : shorter(DEFAULT_ATTEMPT_TIMEOUT, settings);
  }

  /** A default never exceeds a deadline that was set. */
  private static Duration shorter(Duration timeout, Builder settings) {
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
    return new Builder();
  }

  /** {@return a builder with these policies} */
  public Builder toBuilder() {
    return new Builder(settings);
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
    return "CallPolicy{deadline="
        + deadline()
        + ", attemptTimeout="
        + attemptTimeout()
        + ", retry="
        + retry()
        + ", hedging="
        + (settings.hedging == null ? "none" : settings.hedging)
        + ", budget="
        + budget()
        + ", split="
        + (settings.split == null ? "none" : settings.split)
        + ", breaker="
        + breaker()
        + ", maxInFlight="
        + maxInFlight()
        + ", rateLimiter="
        + (settings.rateLimiter == null ? "none" : settings.rateLimiter)
        + ", faults="
        + (settings.faults == null ? "none" : settings.faults)
        + ", without="
        + settings.without
        + "}";
  }

  /** Builds a policy. Mutable; confined to one thread. */
  public static final class Builder {
    private Duration deadline = DEFAULT_DEADLINE;
    private @Nullable Duration attemptTimeout;
    private RetryPolicy retry = RetryPolicy.defaults();
    private @Nullable HedgingConfig hedging;
    private RetryBudgetConfig budget = RetryBudgetConfig.defaults();
    private @Nullable TrafficSplit split;
    private CircuitBreakerConfig breaker = CircuitBreakerConfig.defaults();
    private int maxInFlight = DEFAULT_MAX_IN_FLIGHT;
    private @Nullable RateLimiterConfig rateLimiter;
    private @Nullable FaultConfig faults;
    private final Set<Part> without = EnumSet.noneOf(Part.class);

    private Builder() {}

    private Builder(Builder other) {
      deadline = other.deadline;
      attemptTimeout = other.attemptTimeout;
      retry = other.retry;
      hedging = other.hedging;
      budget = other.budget;
      split = other.split;
      breaker = other.breaker;
      maxInFlight = other.maxInFlight;
      rateLimiter = other.rateLimiter;
      faults = other.faults;
      without.addAll(other.without);
    }

    /**
     * Sets the time of a call. A deadline of the context that is earlier holds.
     *
     * @param deadline 10 ms to 1 h; default 5 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder deadline(Duration deadline) {
      this.deadline =
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
      this.attemptTimeout =
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
      this.retry = Objects.requireNonNull(retry, "retry");
      return this;
    }

    /**
     * Sets hedging, for calls that return stages. Targets that must not be repeated are not hedged.
     *
     * @param hedging default none
     * @return this builder
     */
    public Builder hedging(HedgingConfig hedging) {
      this.hedging = Objects.requireNonNull(hedging, "hedging");
      return this;
    }

    /**
     * Sets the bound of retries and hedges.
     *
     * @param budget default {@link RetryBudgetConfig#defaults()}
     * @return this builder
     */
    public Builder budget(RetryBudgetConfig budget) {
      this.budget = Objects.requireNonNull(budget, "budget");
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
      this.split = Objects.requireNonNull(split, "split");
      return this;
    }

    /**
     * Sets the circuit breaker.
     *
     * @param breaker default {@link CircuitBreakerConfig#defaults()}
     * @return this builder
     */
    public Builder breaker(CircuitBreakerConfig breaker) {
      this.breaker = Objects.requireNonNull(breaker, "breaker");
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
      this.maxInFlight = Checks.inRange("maxInFlight", maxInFlight, 1, 100_000);
      return this;
    }

    /**
     * Sets a rate limiter.
     *
     * @param rateLimiter default none
     * @return this builder
     */
    public Builder rateLimiter(RateLimiterConfig rateLimiter) {
      this.rateLimiter = Objects.requireNonNull(rateLimiter, "rateLimiter");
      return this;
    }

    /**
     * Sets faults that are injected, for tests of what depends on the remote.
     *
     * @param faults default none
     * @return this builder
     */
    public Builder faults(FaultConfig faults) {
      this.faults = Objects.requireNonNull(faults, "faults");
      return this;
    }

    /**
     * Switches a policy off.
     *
     * @param part the policy; by default all are on but the rate limiter, hedging, the split and
     *     faults, which need settings
     * @return this builder
     */
    public Builder without(Part part) {
      without.add(Objects.requireNonNull(part, "part"));
      return this;
    }

    /**
     * Switches a policy on that was switched off.
     *
     * @param part the policy; by default all are on but those that need settings
     * @return this builder
     */
    public Builder with(Part part) {
      without.remove(Objects.requireNonNull(part, "part"));
      return this;
    }

    /**
     * Builds the policy.
     *
     * @return the policy
     * @throws IllegalArgumentException if the time of an attempt exceeds that of the call
     */
    public CallPolicy build() {
      if (attemptTimeout != null && !without.contains(Part.DEADLINE)) {
        Checks.inRange("attemptTimeout", attemptTimeout, Duration.ofMillis(10), deadline);
      }
      return new CallPolicy(new Builder(this));
    }
  }
}
