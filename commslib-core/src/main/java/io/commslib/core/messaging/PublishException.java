package io.commslib.core.messaging;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A publish failed. {@link #certainty()} states whether a repetition may duplicate the message. */
public final class PublishException extends TransportException {

  private static final long serialVersionUID = 1L;
  private static final int MAX_SHOWN_CHARS = 128;

  /** What is known about the sending. */
  private final SendCertainty certainty;

  private final transient Destination destination;

  /** The id of the message. */
  private final String messageId;

  /**
   * Creates a publish failure.
   *
   * @param code stable identifier
   * @param kind {@code TRANSIENT} if a repetition may succeed, {@code PERMANENT} if it never will
   * @param certainty {@code NOT_SENT} or {@code MAYBE_SENT}
   * @param destination the intended destination
   * @param messageId id of the message; the text of the failure has the beginning of a long one
   * @param message reason of the failure
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
        message + " (" + certainty + ", " + destination + ", message " + shown(messageId) + ")",
        cause);
    this.certainty = Objects.requireNonNull(certainty, "certainty");
    this.destination = Objects.requireNonNull(destination, "destination");
    this.messageId = Objects.requireNonNull(messageId, "messageId");
  }

  private static String shown(String id) {
    return id.length() <= MAX_SHOWN_CHARS ? id : id.substring(0, MAX_SHOWN_CHARS) + "...";
  }

  /** {@return the certainty of the send, {@code NOT_SENT} or {@code MAYBE_SENT}} */
  public SendCertainty certainty() {
    return certainty;
  }

  /** {@return the intended destination} */
  public Destination destination() {
    return destination;
  }

  /** {@return the id of the message} */
  public String messageId() {
    return messageId;
  }
}
