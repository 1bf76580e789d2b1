package io.commslib.rabbit;

import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;

/**
 * The way of one publish.
 *
 * @param exchange empty for the default exchange
 * @param routingKey at most 255 bytes in UTF-8
 * @param optional whether a message that reaches no queue is accepted and discarded
 * @param destination as named in failures
 */
record PublishTarget(
    String exchange, String routingKey, boolean optional, Destination destination) {

  /**
   * What a nack means: one queue has refused the message. Behind an exchange another queue, such as
   * that of another group, may have accepted it.
   */
  SendCertainty afterNack() {
    return exchange.isEmpty() ? SendCertainty.NOT_SENT : SendCertainty.MAYBE_SENT;
  }

  /** {@return the failure of a message that the broker returned, since it reached no queue} */
  String unroutable() {
    return "queues: none"
        + (exchange.isEmpty()
            ? " of the name '" + routingKey + "'"
            : " for exchange '" + exchange + "' and routing key '" + routingKey + "'")
        + " (expected: one or more, or a destination that was declared optional)";
  }
}
