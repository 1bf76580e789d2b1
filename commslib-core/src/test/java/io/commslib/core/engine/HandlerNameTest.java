package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The name of the handler in a dead letter. */
class HandlerNameTest {

  private static final Destination ORDERS = Destination.queue("orders");

  @Test
  void isTheNameOfTheSubscription() {
    assertThat(handlerOf(SubscriptionConfig.builder(ORDERS).name("stock").build()))
        .isEqualTo("stock");
  }

  @Test
  void isTheClassThatContainsTheLambda() {
    assertThat(handlerOf(SubscriptionConfig.builder(ORDERS).build()))
        .isEqualTo(HandlerNameTest.class.getName());
  }

  private static String handlerOf(SubscriptionConfig config) {
    VirtualTime time = VirtualTime.create();
    try (InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      transport.subscriber().subscribe(config, delivery -> Settlement.deadLetter("NO_STOCK"));
      transport
          .publisher()
          .publish(ORDERS, Message.builder("order.placed").build())
          .toCompletableFuture()
          .join();
      time.advance(Duration.ofSeconds(1));
      return transport.deadLetters().list(ORDERS, "main", 1).get(0).cause().get("handler");
    }
  }
}
