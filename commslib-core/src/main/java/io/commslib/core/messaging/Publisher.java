package io.commslib.core.messaging;

import java.util.concurrent.CompletionStage;

/**
 * Publishes messages to one broker. Applications and the outbox relay call it; adapters implement
 * it.
 *
 * <p>Thread-safe. Made and closed by its {@link MessageTransport}.
 *
 * <pre>{@code
 * publisher
 *     .publish(ORDERS, message)
 *     .whenComplete(
 *         (receipt, failure) ->
 *             log.append(failure == null ? "confirmed " + receipt.messageId() : "failed"));
 * }</pre>
 */
public interface Publisher {

  /**
   * Publishes {@code message}. The returned stage completes once the broker has taken
   * responsibility for the message.
   *
   * <p>The call does not block for the broker's answer. If the window of unconfirmed messages is
   * full, it waits for capacity on the calling thread, at most for the transport's publish timeout.
   * Messages with equal {@link Message#key()} to one destination keep call order if none of them
   * fails; {@link Capability#KEYED_PUBLISH_FENCE} states the order after a failure. Other messages
   * may overtake each other. A message published twice is stored twice: the inbox removes
   * duplicates.
   *
   * <p>The stage fails with {@link PublishException}. After {@code NOT_SENT} a repetition cannot
   * duplicate the message; after {@code MAYBE_SENT} it can. Unknown destinations, unroutable
   * messages and messages over the size limit fail {@code NOT_SENT}. Every stage completes within
   * the publish timeout. Dependent stages run on a transport thread and must not block. Cancelling
   * the returned stage has no effect on the message.
   *
   * @param to the destination; must have been declared
   * @param message the message
   * @return a stage that completes with the receipt
   * @throws TransportClosedException immediately, if the transport is closing or closed
   */
  CompletionStage<PublishReceipt> publish(Destination to, Message message);
}
