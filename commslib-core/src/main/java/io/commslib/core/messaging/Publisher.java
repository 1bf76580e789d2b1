package io.commslib.core.messaging;

import java.util.concurrent.CompletionStage;

/**
 * Publishes messages to one broker. Applications call this, the outbox relay too; adapters
 * implement it.
 *
 * <p>Thread-safe. Made and closed by its {@link MessageTransport}.
 */
public interface Publisher {

  /**
   * Hands over {@code message}; the stage completes once the broker has taken responsibility for
   * it.
   *
   * <p>Does not block for the broker's answer. With a full window of unconfirmed messages it waits
   * for room on the calling thread, at most the transport's publish timeout. Messages with equal
   * {@link Message#key()} to one destination keep call order if none of them fails; see {@link
   * Capability#KEYED_PUBLISH_FENCE} for the rest. Others may overtake each other. Publishing one id
   * twice stores it twice: removing duplicates is the inbox's job.
   *
   * <p>The stage fails with {@link PublishException}. After {@code NOT_SENT} a repetition cannot
   * duplicate, after {@code MAYBE_SENT} it can. Unknown destinations, unroutable messages and
   * messages over the size limit fail {@code NOT_SENT}. Every stage completes within the publish
   * timeout. Dependent stages run on a transport thread and must not block. Cancelling the returned
   * stage has no effect on the message.
   *
   * @param to where it goes; must have been declared
   * @param message what to publish
   * @return completes with the receipt
   * @throws TransportClosedException at once, if the transport is closing or closed
   */
  CompletionStage<PublishReceipt> publish(Destination to, Message message);
}
