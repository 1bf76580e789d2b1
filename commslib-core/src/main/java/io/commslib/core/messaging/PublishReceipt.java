package io.commslib.core.messaging;

import java.util.Objects;

/**
 * Proof that the broker has taken responsibility for a message. Immutable value.
 *
 * @param messageId id of the message
 * @param destination where it went
 * @param position where the broker put it, in the transport's own words, for logs; empty if the
 *     broker does not say
 */
public record PublishReceipt(String messageId, Destination destination, String position) {

  /**
   * Creates a receipt.
   *
   * @param messageId id of the message
   * @param destination where it went
   * @param position where the broker put it, or empty
   */
  public PublishReceipt {
    Objects.requireNonNull(messageId, "messageId");
    Objects.requireNonNull(destination, "destination");
    Objects.requireNonNull(position, "position");
  }
}
