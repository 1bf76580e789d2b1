package io.commslib.rabbit;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;

/** Routing keys of published messages, which the application's function may get wrong. */
final class RoutingKeys {

  private RoutingKeys() {}

  /**
   * Returns the routing key of a message.
   *
   * @throws RuntimeException of the application's function, or if its result breaks the rule
   */
  static String of(RabbitBinding binding, Message message) {
    String key = binding.routingKey(message);
    Checks.check(
        key != null && RabbitNames.fits(key),
        "routing key",
        String.valueOf(key),
        "at most 255 bytes in UTF-8, routingKey of the binding");
    return key;
  }

  static PublishException refusal(Destination to, Message message, RuntimeException failure) {
    return new PublishException(
        "COMMS-RABBIT-019",
        FailureKind.PERMANENT,
        SendCertainty.NOT_SENT,
        to,
        message.id(),
        String.valueOf(failure.getMessage()),
        failure);
  }
}
