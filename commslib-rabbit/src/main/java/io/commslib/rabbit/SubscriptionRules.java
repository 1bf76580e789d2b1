package io.commslib.rabbit;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;

/** Checks that a queue, as it is bound, can do what a subscription requires. Needs no broker. */
final class SubscriptionRules {

  private SubscriptionRules() {}

  static void check(SubscriptionConfig subscription, QueueBinding queue, MessageFormat format) {
    if (queue.consumers == ConsumerMode.COMPETING && !subscription.isUnordered()) {
      throw new SubscribeException(
          "COMMS-RABBIT-016",
          FailureKind.PERMANENT,
          "consumers: COMPETING on queue "
              + queue.name()
              + " (expected: SINGLE_ACTIVE or EXCLUSIVE for an ordered subscription, or unordered)",
          null);
    }
    if (subscription.inbox().isPresent() && !format.alwaysFindsId()) {
      // A queue has no positions, so each delivery of such a record would have another id.
      throw new SubscribeException(
          "COMMS-RABBIT-020",
          FailureKind.PERMANENT,
          "format: "
              + format.name()
              + " (expected: one that always finds an id, since the subscription has an inbox)",
          null);
    }
    String group = "group " + subscription.group() + " of " + subscription.destination();
    if (!queue.hasNoDeadLetters && queue.deadLetters().isEmpty()) {
      throw RabbitErrors.missingTarget(
          "dead letters of " + group, "deadLetterQueue or noDeadLetters");
    }
    if (subscription.blockedKeys().isPresent() && queue.redrive().isEmpty()) {
      throw RabbitErrors.missingTarget("blockKeyOnDeadLetter of " + group, "redriveExchange");
    }
  }
}
