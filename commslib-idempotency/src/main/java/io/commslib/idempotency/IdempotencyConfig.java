package io.commslib.idempotency;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/** How a store of requests works. Immutable. */
public final class IdempotencyConfig {

  private final Duration retention;
  private final Duration retryAfter;
  private final int purgeBatch;

  private IdempotencyConfig(Builder builder) {
    this.retention = builder.retention;
    this.retryAfter = builder.retryAfter;
    this.purgeBatch = builder.purgeBatch;
  }

  /**
   * Returns the defaults.
   *
   * @return configuration
   */
  public static IdempotencyConfig defaults() {
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
   * Returns how long results are kept, and abandoned claims after their lease.
   *
   * @return 1 s to 3,650 days, default 24 h
   */
  public Duration retention() {
    return retention;
  }

  /**
   * Returns when a caller shall ask again if nothing tells how long the holder may take.
   *
   * @return 1 ms to 1 h, default 1 s
   */
  public Duration retryAfter() {
    return retryAfter;
  }

  /**
   * Returns how many keys one purge statement removes.
   *
   * @return 1 to 100,000, default 1,000
   */
  public int purgeBatch() {
    return purgeBatch;
  }

  @Override
  public String toString() {
    return "IdempotencyConfig{retention="
        + retention
        + ", retryAfter="
        + retryAfter
        + ", purgeBatch="
        + purgeBatch
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private Duration retention = Duration.ofHours(24);
    private Duration retryAfter = Duration.ofSeconds(1);
    private int purgeBatch = 1_000;

    private Builder() {}

    /**
     * Sets how long results are kept. Must exceed the longest time after which a caller repeats a
     * request.
     *
     * @param retention 1 s to 3,650 days
     * @return this
     */
    public Builder retention(Duration retention) {
      this.retention =
          Checks.inRange("retention", retention, Duration.ofSeconds(1), Duration.ofDays(3_650));
      return this;
    }

    /**
     * Sets when a caller shall ask again if nothing tells how long the holder may take.
     *
     * @param retryAfter 1 ms to 1 h
     * @return this
     */
    public Builder retryAfter(Duration retryAfter) {
      this.retryAfter =
          Checks.inRange("retryAfter", retryAfter, Duration.ofMillis(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets how many keys one purge statement removes.
     *
     * @param purgeBatch 1 to 100,000
     * @return this
     */
    public Builder purgeBatch(int purgeBatch) {
      this.purgeBatch = Checks.inRange("purgeBatch", purgeBatch, 1, 100_000);
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @return immutable configuration
     */
    public IdempotencyConfig build() {
      return new IdempotencyConfig(this);
    }
  }
}
