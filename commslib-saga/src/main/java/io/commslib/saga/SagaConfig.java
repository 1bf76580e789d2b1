package io.commslib.saga;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/** How a saga engine works. Immutable. */
public final class SagaConfig {

  private final Duration pollInterval;
  private final int batchSize;
  private final Duration lease;
  private final Duration retention;

  private SagaConfig(Builder builder) {
    this.pollInterval = builder.pollInterval;
    this.batchSize = builder.batchSize;
    this.lease = builder.lease;
    this.retention = builder.retention;
  }

  /**
   * Returns the defaults.
   *
   * @return configuration
   */
  public static SagaConfig defaults() {
    return builder().build();
  }

  /**
   * Starts a configuration from the defaults.
   *
   * @return new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns how often due sagas are looked for.
   *
   * @return 10 ms to 1 min, default 1 s
   */
  public Duration pollInterval() {
    return pollInterval;
  }

  /**
   * Returns how many due sagas one look takes at most.
   *
   * @return 1 to 10,000, default 100
   */
  public int batchSize() {
    return batchSize;
  }

  /**
   * Returns how long overdue sagas taken by one look are nobody else's.
   *
   * @return 1 s to 1 h, default 30 s
   */
  public Duration lease() {
    return lease;
  }

  /**
   * Returns how long ended sagas are kept from {@link SagaEngine#purge()}.
   *
   * @return 1 min to 3,650 d, default 30 d
   */
  public Duration retention() {
    return retention;
  }

  @Override
  public String toString() {
    return "SagaConfig{pollInterval="
        + pollInterval
        + ", batchSize="
        + batchSize
        + ", lease="
        + lease
        + ", retention="
        + retention
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private Duration pollInterval = Duration.ofSeconds(1);
    private int batchSize = 100;
    private Duration lease = Duration.ofSeconds(30);
    private Duration retention = Duration.ofDays(30);

    private Builder() {}

    /**
     * Sets how often due sagas are looked for: the lateness of a timeout.
     *
     * @param pollInterval 10 ms to 1 min
     * @return this
     */
    public Builder pollInterval(Duration pollInterval) {
      this.pollInterval =
          Checks.inRange(
              "pollInterval", pollInterval, Duration.ofMillis(10), Duration.ofMinutes(1));
      return this;
    }

    /**
     * Sets how many due sagas one look takes at most.
     *
     * @param batchSize 1 to 10,000
     * @return this
     */
    public Builder batchSize(int batchSize) {
      this.batchSize = Checks.inRange("batchSize", batchSize, 1, 10_000);
      return this;
    }

    /**
     * Sets how long overdue sagas taken by one look are nobody else's. When a process dies they are
     * late by this; it must cover a batch of moves, else another process may decide the same ones
     * anew (harmless, but wasted).
     *
     * @param lease 1 s to 1 h
     * @return this
     */
    public Builder lease(Duration lease) {
      this.lease = Checks.inRange("lease", lease, Duration.ofSeconds(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets how long ended sagas are kept: longer than a late reply or a repeated start can come.
     *
     * @param retention 1 min to 3,650 d
     * @return this
     */
    public Builder retention(Duration retention) {
      this.retention =
          Checks.inRange("retention", retention, Duration.ofMinutes(1), Duration.ofDays(3_650));
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @return immutable configuration
     */
    public SagaConfig build() {
      return new SagaConfig(this);
    }
  }
}
