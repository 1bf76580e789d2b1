package io.commslib.core.messaging;

import java.util.Objects;

/**
 * Proof that the broker has taken responsibility for a message. Immutable value.
 *
 * @param messageId id of the message
 * @param destination destination of the message
 * @param position position in the broker in the transport's own notation, for logs; empty if the
 *     broker does not report it
 */
public record PublishReceipt(String messageId, Destination destination, String position) {

  /**
   * Creates a receipt.
   *
   * @param messageId id of the message
   * @param destination destination of the message
   * @param position position in the broker, or empty
   */
  public PublishReceipt {
    Objects.requireNonNull(messageId, "messageId");
    Objects.requireNonNull(destination, "destination");
    Objects.requireNonNull(position, "position");
  }
}
