package io.commslib.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/** The settings of an {@link AdaptiveLimiter}. Immutable. */
public final class AdaptiveLimiterConfig {

  private static final AdaptiveLimiterConfig DEFAULTS = new Builder().build();

  private final Builder settings;

  private AdaptiveLimiterConfig(Builder settings) {
    this.settings = settings;
  }

  /** {@return a limit of 20 at first, then 5 to 200} */
  public static AdaptiveLimiterConfig defaults() {
    return DEFAULTS;
  }

  /** {@return a builder with the defaults} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return the minimum of the limit} */
  public int minLimit() {
    return settings.minLimit;
  }

  /** {@return the limit before anything is measured} */
  public int initialLimit() {
    return settings.initialLimit;
  }

  /** {@return the maximum of the limit} */
  public int maxLimit() {
    return settings.maxLimit;
  }

  /** {@return the minimum number of requests of a measurement} */
  public int windowSamples() {
    return settings.windowSamples;
  }

  /** {@return the time between two measurements of the baseline under overload} */
  public Duration baselineInterval() {
    return settings.baselineInterval;
  }

  @Override
  public String toString() {
    return "AdaptiveLimiterConfig{minLimit="
        + minLimit()
        + ", initialLimit="
        + initialLimit()
        + ", maxLimit="
        + maxLimit()
        + ", windowSamples="
        + windowSamples()
        + ", baselineInterval="
        + baselineInterval()
        + "}";
  }

  /** Builds the settings. Mutable; confined to one thread. */
  public static final class Builder {
    private int minLimit = 5;
    private int initialLimit = 20;
    private int maxLimit = 200;
    private int windowSamples = 100;
    private Duration baselineInterval = Duration.ofSeconds(30);

    private Builder() {}

    private Builder(Builder other) {
      minLimit = other.minLimit;
      initialLimit = other.initialLimit;
      maxLimit = other.maxLimit;
      windowSamples = other.windowSamples;
      baselineInterval = other.baselineInterval;
    }

    /**
     * Sets the minimum of the limit. Requests that hang hold their permits, so it must exceed the
     * number of those that a server survives.
     *
     * @param minLimit 1 to 10,000; default 5
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder minLimit(int minLimit) {
      this.minLimit = Checks.inRange("minLimit", minLimit, 1, 10_000);
      return this;
    }

    /**
     * Sets the limit before anything is measured.
     *
     * @param initialLimit 1 to 10,000, between minimum and maximum; default 20
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder initialLimit(int initialLimit) {
      this.initialLimit = Checks.inRange("initialLimit", initialLimit, 1, 10_000);
      return this;
    }

    /**
     * Sets the maximum of the limit.
     *
     * @param maxLimit 1 to 10,000; default 200
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxLimit(int maxLimit) {
      this.maxLimit = Checks.inRange("maxLimit", maxLimit, 1, 10_000);
      return this;
    }

    /**
     * Sets the minimum number of requests of a measurement. With more the limit is steadier and
     * follows changes later.
     *
     * @param windowSamples 20 to 10,000; default 100
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder windowSamples(int windowSamples) {
      this.windowSamples = Checks.inRange("windowSamples", windowSamples, 20, 10_000);
      return this;
    }

    /**
     * Sets the time between two measurements of the baseline under overload. During one, the limit
     * is less than half.
     *
     * @param baselineInterval 1 s to 10 min; default 30 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder baselineInterval(Duration baselineInterval) {
      this.baselineInterval =
          Checks.inRange(
              "baselineInterval", baselineInterval, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Builds the settings.
     *
     * @return the settings
     * @throws IllegalArgumentException if the initial limit is not between minimum and maximum
     */
    public AdaptiveLimiterConfig build() {
      Checks.inRange("maxLimit", maxLimit, minLimit, 10_000);
      Checks.inRange("initialLimit", initialLimit, minLimit, maxLimit);
      return new AdaptiveLimiterConfig(new Builder(this));
    }
  }
}
