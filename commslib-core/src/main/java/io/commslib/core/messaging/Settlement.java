package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a handler says becomes of a message. Closed set, immutable; {@link #kind()} tells which. The
 * handler's transaction commits for {@link Kind#DONE} and {@link Kind#DROP} and rolls back for the
 * others, the inbox row included.
 */
public final class Settlement {

  /** The kinds of settlement. {@code HOLD} is reserved for a later version. */
  public enum Kind {
    /** Handled: it never comes again, except as a duplicate. */
    DONE,
    /** Handle it again later; counts as a failed attempt. Later messages of its key wait. */
    RETRY,
    /** Give up now: it goes to the group's dead letters with the reason. */
    DEAD_LETTER,
    /** Not wanted: settled without effect and without dead letter, counted as dropped. */
    DROP,
    /**
     * Not this consumer, not now: the broker delivers it again; does not count as a failed attempt.
     */
    GIVE_BACK
  }

  private static final Settlement DONE = new Settlement(Kind.DONE, null, "");
  private static final Settlement RETRY = new Settlement(Kind.RETRY, null, "");
  private static final Settlement GIVE_BACK = new Settlement(Kind.GIVE_BACK, null, "");

  private final Kind kind;
  private final @Nullable Duration after;
  private final String reason;

  private Settlement(Kind kind, @Nullable Duration after, String reason) {
    this.kind = kind;
    this.after = after;
    this.reason = reason;
  }

  /**
   * Handled.
   *
   * @return the settlement
   */
  public static Settlement done() {
    return DONE;
  }

  /**
   * Handle again after the delay the {@link RetrySchedule} says; dead letters when it is exhausted.
   *
   * @return the settlement
   */
  public static Settlement retry() {
    return RETRY;
  }

  /**
   * Handle again after {@code delay}, which replaces the schedule's next delay and counts as an
   * attempt; dead letters when the schedule's attempts are exhausted.
   *
   * @param delay 0 to 24 h
   * @return the settlement
   * @throws IllegalArgumentException if out of range
   */
  public static Settlement retry(Duration delay) {
    return new Settlement(
        Kind.RETRY, Checks.inRange("delay", delay, Duration.ZERO, Duration.ofHours(24)), "");
  }

  /**
   * Give up now.
   *
   * @param reason why, for the dead letter, which is grouped by it; no payload
   * @return the settlement
   * @throws IllegalArgumentException if the reason is blank
   */
  public static Settlement deadLetter(String reason) {
    return new Settlement(Kind.DEAD_LETTER, null, checked(reason));
  }

  /**
   * Not wanted.
   *
   * @param reason why, for the observer
   * @return the settlement
   * @throws IllegalArgumentException if the reason is blank
   */
  public static Settlement drop(String reason) {
    return new Settlement(Kind.DROP, null, checked(reason));
  }

  private static String checked(String reason) {
    Objects.requireNonNull(reason, "reason");
    Checks.check(!reason.isBlank(), "reason", "'" + reason + "'", "a text that is not blank");
    return reason;
  }

  /**
   * Not this consumer, not now.
   *
   * @return the settlement
   */
  public static Settlement giveBack() {
    return GIVE_BACK;
  }

  /**
   * Returns which settlement it is.
   *
   * @return the kind
   */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the delay a retry asks for.
   *
   * @return the delay, or empty when the schedule decides
   */
  public Optional<Duration> after() {
    return Optional.ofNullable(after);
  }

  /**
   * Returns why it is dead-lettered or dropped.
   *
   * @return the reason, else empty
   */
  public String reason() {
    return reason;
  }

  @Override
  public String toString() {
    return kind
        + (after == null ? "" : " after " + after)
        + (reason.isEmpty() ? "" : " (" + reason + ")");
  }
}
