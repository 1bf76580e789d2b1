package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/**
 * Thresholds of the dead-letter breaker. It opens on a dead-letter storm, which indicates a broken
 * dependency rather than bad messages: a number of dead letters of one cause, or their share of all
 * settled messages, within a time and over a number of different keys. Immutable.
 */
public final class DeadLetterBreakerConfig {

  private final int letters;
  private final int sharePercent;
  private final Duration window;
  private final int keys;

  private DeadLetterBreakerConfig(Builder builder) {
    this.letters = builder.letters;
    this.sharePercent = builder.sharePercent;
    this.window = builder.window;
    this.keys = builder.keys;
  }

  /**
   * {@return the default thresholds: 50 dead letters or 20 % of the settled messages within 30 s,
   * over 10 keys}
   */
  public static DeadLetterBreakerConfig defaults() {
    return builder().build();
  }

  /** {@return a new builder with the default thresholds} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return the number of dead letters of one cause that opens the breaker} */
  public int letters() {
    return letters;
  }

  /** {@return the share of dead letters of one cause among all settled messages, in percent} */
  public int sharePercent() {
    return sharePercent;
  }

  /** {@return the time within which dead letters and settled messages are counted} */
  public Duration window() {
    return window;
  }

  /** {@return the minimum number of different keys among the dead letters of the cause} */
  public int keys() {
    return keys;
  }

  @Override
  public String toString() {
    return "DeadLetterBreakerConfig{letters="
        + letters
        + ", sharePercent="
        + sharePercent
        + ", window="
        + window
        + ", keys="
        + keys
        + "}";
  }

  /** Collects the thresholds. Not thread-safe. */
  public static final class Builder {
    private int letters = 50;
    private int sharePercent = 20;
    private Duration window = Duration.ofSeconds(30);
    private int keys = 10;

    private Builder() {}

    /**
     * Sets the number of dead letters of one cause within the window that opens the breaker. Lower
     * it to pause earlier.
     *
     * @param letters 2 to 1,000,000; default 50
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder letters(int letters) {
      this.letters = Checks.inRange("letters", letters, 2, 1_000_000);
      return this;
    }

    /**
     * Sets the share of dead letters of one cause among all settled messages of the window that
     * opens the breaker before {@link #letters} is reached. It counts once there are at least as
     * many dead letters as {@link #keys}. 100 leaves the decision to {@link #letters} unless every
     * settled message is a dead letter.
     *
     * @param sharePercent 1 to 100; default 20
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder sharePercent(int sharePercent) {
      this.sharePercent = Checks.inRange("sharePercent", sharePercent, 1, 100);
      return this;
    }

    /**
     * Sets the time within which dead letters and settled messages are counted.
     *
     * @param window 1 s to 1 h; default 30 s
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder window(Duration window) {
      this.window = Checks.inRange("window", window, Duration.ofSeconds(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the minimum number of different keys among the dead letters of the cause, so that one
     * bad key does not open the breaker. Messages without a key count as one key each.
     *
     * @param keys 1 to 10,000; default 10
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder keys(int keys) {
      this.keys = Checks.inRange("keys", keys, 1, 10_000);
      return this;
    }

    /** {@return a new immutable configuration} */
    public DeadLetterBreakerConfig build() {
      return new DeadLetterBreakerConfig(this);
    }
  }
}
