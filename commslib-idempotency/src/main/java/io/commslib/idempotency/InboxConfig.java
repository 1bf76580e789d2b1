package io.commslib.idempotency;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/** Settings of a {@link JdbcInbox}. Immutable. */
public final class InboxConfig {

  private final Duration retention;
  private final Duration longestRedelivery;
  private final Duration lockTimeout;
  private final int purgeBatch;

  private InboxConfig(Builder builder) {
    this.retention = builder.retention;
    this.longestRedelivery = builder.longestRedelivery;
    this.lockTimeout = builder.lockTimeout;
    this.purgeBatch = builder.purgeBatch;
  }

  /**
   * Returns the defaults.
   *
   * @return a configuration with the default of every setting
   */
  public static InboxConfig defaults() {
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
   * Returns the minimum retention of entries.
   *
   * @return 1 h to 3,650 days, default 30 days
   */
  public Duration retention() {
    return retention;
  }

  /**
   * Returns the longest time after which a message can be redelivered.
   *
   * @return 0 to 3,650 days, default 7 days
   */
  public Duration longestRedelivery() {
    return longestRedelivery;
  }

  /**
   * Returns the maximum wait of a duplicate for the transaction that entered the message first.
   *
   * @return 10 ms to 10 min, default 10 s
   */
  public Duration lockTimeout() {
    return lockTimeout;
  }

  /**
   * Returns the maximum number of entries that one purge statement deletes.
   *
   * @return 1 to 100,000, default 1,000
   */
  public int purgeBatch() {
    return purgeBatch;
  }

  @Override
  public String toString() {
    return "InboxConfig{retention="
        + retention
        + ", longestRedelivery="
        + longestRedelivery
        + ", lockTimeout="
        + lockTimeout
        + ", purgeBatch="
        + purgeBatch
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private Duration retention = Duration.ofDays(30);
    private Duration longestRedelivery = Duration.ofDays(7);
    private Duration lockTimeout = Duration.ofSeconds(10);
    private int purgeBatch = 1_000;

    private Builder() {}

    /**
     * Sets the minimum retention of entries. It must exceed {@link #longestRedelivery}: a message
     * redelivered after the retention takes effect again.
     *
     * @param retention 1 h to 3,650 days, default 30 days
     * @return this
     */
    public Builder retention(Duration retention) {
      this.retention =
          Checks.inRange("retention", retention, Duration.ofHours(1), Duration.ofDays(3_650));
      return this;
    }

    /**
     * Sets the longest time after which a message can be redelivered: the maximum of broker
     * retention, all retry delays, and the age at which dead letters are redriven. The default is
     * Kafka's own retention.
     *
     * @param longestRedelivery 0 to 3,650 days, default 7 days
     * @return this
     */
    public Builder longestRedelivery(Duration longestRedelivery) {
      this.longestRedelivery =
          Checks.inRange(
              "longestRedelivery", longestRedelivery, Duration.ZERO, Duration.ofDays(3_650));
      return this;
    }

    /**
     * Sets the maximum wait of a duplicate for the transaction that entered the message first;
     * after that the duplicate is retried. Raise it for long handlers, lower it to free workers and
     * connections sooner.
     *
     * @param lockTimeout 10 ms to 10 min, default 10 s
     * @return this
     */
    public Builder lockTimeout(Duration lockTimeout) {
      this.lockTimeout =
          Checks.inRange("lockTimeout", lockTimeout, Duration.ofMillis(10), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the maximum number of entries that one purge statement deletes. Lower it for shorter
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
     * @throws IllegalArgumentException if the retention does not exceed the longest redelivery
     */
    public InboxConfig build() {
      Checks.check(
          retention.compareTo(longestRedelivery) > 0,
          "retention",
          retention,
          "above longestRedelivery, " + longestRedelivery);
      return new InboxConfig(this);
    }
  }
}
