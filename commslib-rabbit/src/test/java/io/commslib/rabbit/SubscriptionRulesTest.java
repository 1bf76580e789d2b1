package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.wire.CloudEventsEnvelope;
import org.junit.jupiter.api.Test;

/** What a queue, as it is bound, can't do for a subscription. */
class SubscriptionRulesTest {

  private static final Destination TASKS = Destination.queue("tasks");
  private static final MessageFormat FORMAT =
      new CloudEventsEnvelope(CloudEventsEnvelope.AMQP_PREFIX);

  @Test
  void competingConsumersAreForUnorderedSubscriptions() {
    QueueBinding competing =
        QueueBinding.existing("tasks", ConsumerMode.COMPETING).withDefaultTargets();
    assertThatThrownBy(
            () ->
                SubscriptionRules.check(
                    SubscriptionConfig.builder(TASKS).build(), competing, FORMAT))
        .hasMessage(
            "COMMS-RABBIT-016: consumers: COMPETING on queue tasks (expected: SINGLE_ACTIVE or"
                + " EXCLUSIVE for an ordered subscription, or unordered)");
    SubscriptionRules.check(
        SubscriptionConfig.builder(TASKS).unordered().build(), competing, FORMAT);
  }
}
