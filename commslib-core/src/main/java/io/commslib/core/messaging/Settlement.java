package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A handler's decision about a message. Immutable, with a closed set of kinds. The handler's
 * transaction commits for {@link Kind#DONE} and {@link Kind#DROP}; for the other kinds it rolls
 * back, including the inbox row.
 *
 * <pre>{@code
 * MessageHandler handler =
 *     delivery -> {
 *       if (delivery.message().bodyLength() == 0) {
 *         return Settlement.deadLetter("EMPTY_BODY");
 *       }
 *       return isOpen() ? Settlement.done() : Settlement.retry(Duration.ofMinutes(1));
 *     };
 * }</pre>
 */
public final class Settlement {

  /** The kinds of settlement. {@code HOLD} is reserved for a later version. */
  public enum Kind {
    /** The message was handled. It is not redelivered, except as a duplicate. */
    DONE,
    /** The message is handled again later. This counts as a failed attempt; its key waits. */
    RETRY,
    /** The message goes to the group's dead letters immediately, with the reason. */
    DEAD_LETTER,
    /** The message is settled without effect and without dead letter, and counted as dropped. */
    DROP,
    /**
     * The message is delivered once more, uncounted: by this member after a short pause, or by
     * another consumer of the group if this one drains or ends.
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

  /** {@return the settlement of a handled message} */
  public static Settlement done() {
    return DONE;
  }

  /**
   * Returns the settlement of a message to be handled again after the delay of the {@link
   * RetrySchedule}. It is dead-lettered if no attempt is left.
   *
   * @return the settlement
   */
  public static Settlement retry() {
    return RETRY;
  }

  /**
   * Returns the settlement of a message to be handled again after {@code delay}, which replaces the
   * schedule's next delay. This counts as a failed attempt. The message is dead-lettered if the
   * schedule has no attempt left.
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
   * Returns the settlement of a message that goes to the dead letters immediately.
   *
   * @param reason reason for the dead letter, by which dead letters are grouped; without payload
   * @return the settlement
   * @throws IllegalArgumentException if the reason is blank
   */
  public static Settlement deadLetter(String reason) {
    return new Settlement(Kind.DEAD_LETTER, null, checked(reason));
  }

  /**
   * Returns the settlement of a message to be dropped without effect.
   *
   * @param reason reason for the observer
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

  /** {@return the settlement of an unfinished message that is delivered once more, uncounted} */
  public static Settlement giveBack() {
    return GIVE_BACK;
  }

  /** {@return the kind of settlement} */
  public Kind kind() {
    return kind;
  }

  /** {@return the requested delay of a retry, or empty if the schedule decides} */
  public Optional<Duration> after() {
    return Optional.ofNullable(after);
  }

  /** {@return the reason for dead-lettering or dropping; empty for the other kinds} */
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
