package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import io.commslib.core.resilience.Backoff;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Number and times of the attempts to handle a message: immediate attempts with backoff between
 * them, then one attempt after each longer delay. After the last failed attempt the message goes to
 * the dead letters. Attempts count from 1 and include the first. Immutable.
 */
public final class RetrySchedule {

  private final int attemptsAtOnce;
  private final Backoff backoff;
  private final List<Duration> delays;

  private RetrySchedule(Builder builder) {
    this.attemptsAtOnce = builder.attemptsAtOnce;
    this.backoff = builder.backoff;
    this.delays = List.copyOf(builder.delays);
  }

  /**
   * Returns the default schedule: 3 immediate attempts (backoff 100 ms growing to 5 s, full
   * jitter), then one attempt each after 10 s, 1 min and 10 min.
   *
   * @return the schedule
   */
  public static RetrySchedule defaults() {
    return builder().build();
  }

  /** {@return a new builder with the values of the default schedule} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return the total number of attempts, 1 or more} */
  public int maxAttempts() {
    return attemptsAtOnce + delays.size();
  }

  /** {@return the longer delays, one for each attempt after the immediate ones; unmodifiable} */
  public List<Duration> delays() {
    return delays;
  }

  /**
   * Returns the wait after a failed attempt.
   *
   * @param failedAttempt number of the attempt that failed, 1 or more
   * @param random source of jitter
   * @return the wait, or empty if no attempt is left
   */
  public Optional<Duration> delayAfter(int failedAttempt, RandomGenerator random) {
    if (failedAttempt < attemptsAtOnce) {
      return Optional.of(backoff.next(failedAttempt, random));
    }
    int delayed = failedAttempt - attemptsAtOnce;
    return delayed < delays.size() ? Optional.of(delays.get(delayed)) : Optional.empty();
  }

  @Override
  public String toString() {
    return "RetrySchedule{attemptsAtOnce="
        + attemptsAtOnce
        + ", backoff="
        + backoff
        + ", delays="
        + delays
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private int attemptsAtOnce = 3;
    private Backoff backoff = Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(5));
    private List<Duration> delays =
        List.of(Duration.ofSeconds(10), Duration.ofMinutes(1), Duration.ofMinutes(10));

    private Builder() {}

    /**
     * Sets the number of immediate attempts, including the first. They block the key for the
     * backoff only; the longer delays follow.
     *
     * @param attemptsAtOnce 1 to 100; default 3
     * @return this
     */
    public Builder attemptsAtOnce(int attemptsAtOnce) {
      this.attemptsAtOnce = Checks.inRange("attemptsAtOnce", attemptsAtOnce, 1, 100);
      return this;
    }

    /**
     * Sets the wait between immediate attempts.
     *
     * @param backoff the backoff; default 100 ms growing to 5 s with full jitter
     * @return this
     */
    public Builder backoff(Backoff backoff) {
      this.backoff = Objects.requireNonNull(backoff, "backoff");
      return this;
    }

    /**
     * Sets the longer delays. Each is followed by one further attempt.
     *
     * @param delays up to 20, each 1 ms to 24 h; default 10 s, 1 min and 10 min
     * @return this
     */
    public Builder delays(Duration... delays) {
      Checks.inRange("delays", delays.length, 0, 20);
      for (Duration delay : delays) {
        Checks.inRange("delays", delay, Duration.ofMillis(1), Duration.ofHours(24));
      }
      this.delays = List.of(delays);
      return this;
    }

    /**
     * Removes the longer delays: after the immediate attempts the message is dead-lettered.
     *
     * @return this
     */
    public Builder withoutDelays() {
      this.delays = List.of();
      return this;
    }

    /**
     * Builds the schedule.
     *
     * @return immutable schedule
     */
    public RetrySchedule build() {
      return new RetrySchedule(this);
    }
  }
}
