package io.commslib.idempotency;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/** Settings of a {@link JdbcIdempotencyStore}. Immutable. */
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
   * @return a configuration with the default of every setting
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
   * Returns the retention of results, and of abandoned claims after their lease.
   *
   * @return 1 s to 3,650 days, default 24 h
   */
  public Duration retention() {
    return retention;
  }

  /**
   * Returns the delay after which a caller should retry if the remaining time of the holder is
   * unknown.
   *
   * @return 1 ms to 1 h, default 1 s
   */
  public Duration retryAfter() {
    return retryAfter;
  }

  /**
   * Returns the maximum number of keys that one purge statement deletes.
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
     * Sets the retention of results, and of abandoned claims after their lease. It must exceed the
     * longest time after which a caller repeats a request; raise it for callers that retry late,
     * lower it for a smaller table.
     *
     * @param retention 1 s to 3,650 days, default 24 h
     * @return this
     */
    public Builder retention(Duration retention) {
      this.retention =
          Checks.inRange("retention", retention, Duration.ofSeconds(1), Duration.ofDays(3_650));
      return this;
    }

    /**
     * Sets the delay after which a caller should retry if the remaining time of the holder is
     * unknown.
     *
     * @param retryAfter 1 ms to 1 h, default 1 s
     * @return this
     */
    public Builder retryAfter(Duration retryAfter) {
      this.retryAfter =
          Checks.inRange("retryAfter", retryAfter, Duration.ofMillis(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the maximum number of keys that one purge statement deletes. Lower it for shorter
     * transactions.
     *
     * @param purgeBatch 1 to 100,000, default 1,000
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
