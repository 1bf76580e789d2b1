package io.commslib.saga;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/** Settings of a saga engine. Immutable. */
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

  /** {@return the configuration with all defaults} */
  public static SagaConfig defaults() {
    return builder().build();
  }

  /** {@return a new builder with all defaults} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return the interval between polls for overdue sagas, 10 ms to 1 min, default 1 s} */
  public Duration pollInterval() {
    return pollInterval;
  }

  /** {@return the maximum number of sagas claimed by one poll, 1 to 10,000, default 100} */
  public int batchSize() {
    return batchSize;
  }

  /** {@return the time for which claimed sagas belong to one process, 1 s to 1 h, default 30 s} */
  public Duration lease() {
    return lease;
  }

  /**
   * {@return the time for which {@link SagaEngine#purge()} keeps ended sagas, 1 min to 3,650 d,
   * default 30 d}
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
     * Sets the interval between polls for overdue sagas, which is also how late a timeout may take
     * effect. Lower it for short timeouts; raise it to spare statements.
     *
     * @param pollInterval 10 ms to 1 min, default 1 s
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder pollInterval(Duration pollInterval) {
      this.pollInterval =
          Checks.inRange(
              "pollInterval", pollInterval, Duration.ofMillis(10), Duration.ofMinutes(1));
      return this;
    }

    /**
     * Sets the maximum number of sagas that one poll claims. Raise it if many timeouts fall due at
     * the same time; a batch must be finished within the lease.
     *
     * @param batchSize 1 to 10,000, default 100
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder batchSize(int batchSize) {
      this.batchSize = Checks.inRange("batchSize", batchSize, 1, 10_000);
      return this;
    }

    /**
     * Sets the time for which the sagas claimed by one poll belong to this process. When a process
     * dies, its claimed sagas are late by this time. The lease must cover the work on a whole
     * batch; otherwise another process may decide the same sagas again, which is harmless but
     * wasted.
     *
     * @param lease 1 s to 1 h, default 30 s
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder lease(Duration lease) {
      this.lease = Checks.inRange("lease", lease, Duration.ofSeconds(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the time for which {@link SagaEngine#purge()} keeps ended sagas. It must be longer than
     * the delay of any late reply or repeated start.
     *
     * @param retention 1 min to 3,650 d, default 30 d
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder retention(Duration retention) {
      this.retention =
          Checks.inRange("retention", retention, Duration.ofMinutes(1), Duration.ofDays(3_650));
      return this;
    }

    /** {@return the immutable configuration} */
    public SagaConfig build() {
      return new SagaConfig(this);
    }
  }
}
