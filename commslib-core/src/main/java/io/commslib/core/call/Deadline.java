package io.commslib.core.call;

import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;

/**
 * A point in monotonic time at which work loses its value. A jump of the wall clock does not move
 * it. Immutable; to send it to another process, send what {@link #remaining()} returns, or {@link
 * #instant()} where it waits on the way.
 */
public final class Deadline {

  private final TimeSource time;
  private final long atNanos;

  private Deadline(TimeSource time, long atNanos) {
    this.time = time;
    this.atNanos = atNanos;
  }

  /**
   * Returns a deadline.
   *
   * @param timeout the time from now; zero or a negative one has expired already, and more than 70
   *     years count as 70 years
   * @param time the clocks
   * @return the deadline
   */
  public static Deadline after(Duration timeout, TimeSource time) {
    Objects.requireNonNull(timeout, "timeout");
    return new Deadline(time, time.nanoTime() + Timeouts.nanos(timeout));
  }

  /**
   * Returns a deadline at a reading of the monotonic clock.
   *
   * @param nanos a reading of {@link TimeSource#nanoTime()}
   * @param time the clocks
   * @return the deadline
   */
  public static Deadline atNanos(long nanos, TimeSource time) {
    return new Deadline(Objects.requireNonNull(time, "time"), nanos);
  }

  /**
   * Returns whether the deadline has passed.
   *
   * @return whether no time remains
   */
  public boolean isExpired() {
    return remainingNanos() <= 0;
  }

  /**
   * Returns the time until the deadline.
   *
   * @return the time, zero after the deadline
   */
  public Duration remaining() {
    return Duration.ofNanos(Math.max(0, remainingNanos()));
  }

  /**
   * Returns the nanoseconds until the deadline, negative after it. For code that is called often.
   *
   * @return the nanoseconds
   */
  public long remainingNanos() {
    return atNanos - time.nanoTime();
  }

  /**
   * Returns the reading of the monotonic clock at the deadline.
   *
   * @return a reading of {@link TimeSource#nanoTime()}
   */
  public long atNanos() {
    return atNanos;
  }

  /**
   * Returns the time of the wall clock at the deadline, as far as that is known now. For messages,
   * which wait in queues of other machines.
   *
   * @return the time, rounded down to milliseconds
   */
  public Instant instant() {
    return time.now().plusNanos(remainingNanos()).truncatedTo(ChronoUnit.MILLIS);
  }

  /** The clocks of this deadline. */
  TimeSource clock() {
    return time;
  }

  /**
   * Returns the earlier one of two deadlines.
   *
   * @param other the other one
   * @return this deadline or the other one
   */
  public Deadline earlier(Deadline other) {
    // Readings of different clocks have different origins.
    long before =
        time == other.time ? atNanos - other.atNanos : remainingNanos() - other.remainingNanos();
    return before <= 0 ? this : other;
  }

  /** {@return the remaining time, for log lines} */
  @Override
  public String toString() {
    return "Deadline{remaining=" + Duration.ofNanos(remainingNanos()) + "}";
  }
}
