package io.commslib.saga;

import io.commslib.core.spi.Checks;
import java.time.Duration;

/**
 * How a saga engine works. Immutable.
 *
 * @since 0.1
 */
public final class SagaConfig {

  private final Duration pollInterval;
  private final int batchSize;

  private SagaConfig(Builder builder) {
    this.pollInterval = builder.pollInterval;
    this.batchSize = builder.batchSize;
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

  @Override
  public String toString() {
    return "SagaConfig{pollInterval=" + pollInterval + ", batchSize=" + batchSize + "}";
  }

  /**
   * Collects the settings. Not thread-safe.
   *
   * @since 0.1
   */
  public static final class Builder {
    private Duration pollInterval = Duration.ofSeconds(1);
    private int batchSize = 100;

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
     * Builds the configuration.
     *
     * @return immutable configuration
     */
    public SagaConfig build() {
      return new SagaConfig(this);
    }
  }
}
