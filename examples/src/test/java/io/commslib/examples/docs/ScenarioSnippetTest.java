package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.MessagingScenario;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The scenario of the testing guide. */
class ScenarioSnippetTest {

  private static Message order(String id, String key) {
    return Message.builder("shop.order").id(id).key(key).build();
  }

  @Test
  void aTenMinuteRetryTakesNoRealTime() {
    Destination orders = Destination.queue("orders");
    // snippet: scenario
    try (MessagingScenario scenario = MessagingScenario.create()) {
      scenario
          .declare(DestinationConfig.builder(orders).build())
          .subscribe(
              SubscriptionConfig.builder(orders).build(),
              delivery ->
                  switch (delivery.message().id()) {
                    case "unknown" -> Settlement.deadLetter("unknown article");
                    case "later" ->
                        delivery.attempt() == 1
                            ? Settlement.retry(Duration.ofMinutes(10))
                            : Settlement.done();
                    default -> Settlement.done();
                  })
          .send(orders, order("later", "a"), order("behind", "a"), order("unknown", "b"))
          .advance(Duration.ofMinutes(9))
          .assertDone(orders, "main")
          .awaitQuiet(Duration.ofHours(1))
          .assertDone(orders, "main", "later", "behind")
          .assertOrder(orders, "main", "a", "later", "behind")
          .assertAttempts(orders, "main", "later", 2)
          .assertDeadLettered(orders, "main", "unknown")
          .assertLedgersBalance();
    }
    // end
  }

  @Test
  void aFailedAssertionIsReported() {
    Destination orders = Destination.queue("orders");
    try (MessagingScenario scenario = MessagingScenario.create()) {
      scenario
          .declare(DestinationConfig.builder(orders).build())
          .subscribe(
              SubscriptionConfig.builder(orders).build(),
              delivery -> Settlement.retry(Duration.ofMinutes(10)))
          .send(orders, order("m1", "a"));
      assertThatThrownBy(() -> scenario.awaitQuiet(Duration.ofMinutes(5)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("not quiet after PT5M");
      assertThatThrownBy(() -> scenario.assertDone(orders, "main", "m1"))
          .hasMessage("done by main of queue:orders: [] (expected: [m1])");
      assertThatThrownBy(() -> scenario.assertAttempts(orders, "main", "m1", 2))
          .hasMessageContaining("attempts of m1 by main: 1 (expected: 2)");
      assertThatThrownBy(() -> scenario.assertOrder(orders, "main", "a", "m0"))
          .hasMessageContaining("[m1] (expected: [m0])");
      assertThatThrownBy(() -> scenario.assertDeadLettered(orders, "main", "m1"))
          .hasMessageContaining("[] (expected: [m1])");
    }
  }
}
