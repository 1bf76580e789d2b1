package io.commslib.core.messaging;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A publish failed. {@link #certainty()} decides what a repetition may do. */
public final class PublishException extends TransportException {

  private static final long serialVersionUID = 1L;

  private final SendCertainty certainty;
  private final transient Destination destination;
  private final String messageId;

  /**
   * Creates a publish failure.
   *
   * @param code stable identifier
   * @param kind {@code TRANSIENT} if a repetition may help, {@code PERMANENT} if this message or
   *     destination never will
   * @param certainty {@code NOT_SENT} or {@code MAYBE_SENT}
   * @param destination where it should have gone
   * @param messageId id of the message
   * @param message why it failed
   * @param cause the client's failure, or null
   */
  public PublishException(
      String code,
      FailureKind kind,
      SendCertainty certainty,
      Destination destination,
      String messageId,
      String message,
      @Nullable Throwable cause) {
    super(
        code,
        kind,
        message + " (" + certainty + ", " + destination + ", message " + messageId + ")",
        cause);
    this.certainty = Objects.requireNonNull(certainty, "certainty");
    this.destination = Objects.requireNonNull(destination, "destination");
    this.messageId = Objects.requireNonNull(messageId, "messageId");
  }

  /**
   * Returns what is known of the send.
   *
   * @return {@code NOT_SENT} or {@code MAYBE_SENT}
   */
  public SendCertainty certainty() {
    return certainty;
  }

  /**
   * Returns where it should have gone.
   *
   * @return the destination
   */
  public Destination destination() {
    return destination;
  }

  /**
   * Returns which message failed.
   *
   * @return the id
   */
  public String messageId() {
    return messageId;
  }
}
