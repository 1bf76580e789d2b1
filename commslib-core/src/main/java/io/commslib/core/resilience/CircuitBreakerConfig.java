package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/** The settings of a circuit breaker. Immutable. */
public final class CircuitBreakerConfig {

  private static final CircuitBreakerConfig DEFAULTS = new Builder().build();

  private final Builder settings;

  private CircuitBreakerConfig(Builder settings) {
    this.settings = settings;
  }

  /** {@return 50 per cent of at least 20 attempts in 30 s; open for 5 s, doubling to 60 s} */
  public static CircuitBreakerConfig defaults() {
    return DEFAULTS;
  }

  /** {@return a builder with the defaults} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return a builder with these settings} */
  public Builder toBuilder() {
    return new Builder(settings);
  }

  /** {@return the share of failed attempts that opens the breaker, in per cent} */
  public int failurePercent() {
    return settings.failurePercent;
  }

  /** {@return the minimum number of attempts in the window before the breaker can open} */
  public int minAttempts() {
    return settings.minAttempts;
  }

  /** {@return the time over which attempts are counted} */
  public Duration window() {
    return settings.window;
  }

  /** {@return the open time after the first failure, before jitter} */
  public Duration openTime() {
    return settings.openTime;
  }

  /** {@return the maximum of the open time, which doubles with each failed probe} */
  public Duration maxOpenTime() {
    return settings.maxOpenTime;
  }

  /** {@return the number of attempts that probe the remote} */
  public int probes() {
    return settings.probes;
  }

  @Override
  public String toString() {
    return "CircuitBreakerConfig{failurePercent="
        + failurePercent()
        + ", minAttempts="
        + minAttempts()
        + ", window="
        + window()
        + ", openTime="
        + openTime()
        + ", maxOpenTime="
        + maxOpenTime()
        + ", probes="
        + probes()
        + "}";
  }

  /** Builds the settings. Mutable; confined to one thread. */
  public static final class Builder {
    private int failurePercent = 50;
    private int minAttempts = 20;
    private Duration window = Duration.ofSeconds(30);
    private Duration openTime = Duration.ofSeconds(5);
    private Duration maxOpenTime = Duration.ofSeconds(60);
    private int probes = 3;

    private Builder() {}

    private Builder(Builder other) {
      failurePercent = other.failurePercent;
      minAttempts = other.minAttempts;
      window = other.window;
      openTime = other.openTime;
      maxOpenTime = other.maxOpenTime;
      probes = other.probes;
    }

    /**
     * Sets the share of failed attempts that opens the breaker.
     *
     * @param failurePercent 1 to 100; default 50
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder failurePercent(int failurePercent) {
      this.failurePercent = Checks.inRange("failurePercent", failurePercent, 1, 100);
      return this;
    }

    /**
     * Sets the minimum number of attempts in the window before the breaker can open.
     *
     * @param minAttempts 1 to 10,000; default 20
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder minAttempts(int minAttempts) {
      this.minAttempts = Checks.inRange("minAttempts", minAttempts, 1, 10_000);
      return this;
    }

    /**
     * Sets the time over which attempts are counted.
     *
     * @param window 1 s to 10 min, whole seconds; default 30 s
     * @return this builder
     * @throws IllegalArgumentException if out of range or no whole seconds
     */
    public Builder window(Duration window) {
      Checks.inRange("window", window, Duration.ofSeconds(1), Duration.ofMinutes(10));
      Checks.check(window.getNano() == 0, "window", window, "whole seconds");
      this.window = window;
      return this;
    }

    /**
     * Sets the open time after the first failure. A jitter of 20 per cent in both directions is
     * added, so that the instances of a service do not probe at the same moment.
     *
     * @param openTime 10 ms to 1 h; default 5 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder openTime(Duration openTime) {
      this.openTime =
          Checks.inRange("openTime", openTime, Duration.ofMillis(10), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the maximum of the open time, which doubles with each failed probe.
     *
     * @param maxOpenTime the open time to 24 h; default 60 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxOpenTime(Duration maxOpenTime) {
      this.maxOpenTime =
          Checks.inRange("maxOpenTime", maxOpenTime, Duration.ofMillis(10), Duration.ofHours(24));
      return this;
    }

    /**
     * Sets the number of attempts that probe the remote.
     *
     * @param probes 1 to 100; default 3
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder probes(int probes) {
      this.probes = Checks.inRange("probes", probes, 1, 100);
      return this;
    }

    /**
     * Builds the settings.
     *
     * @return the settings
     * @throws IllegalArgumentException if {@code maxOpenTime} is below {@code openTime}
     */
    public CircuitBreakerConfig build() {
      Checks.inRange("maxOpenTime", maxOpenTime, openTime, Duration.ofHours(24));
      return new CircuitBreakerConfig(new Builder(this));
    }
  }
}
