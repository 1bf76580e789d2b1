package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The reader's {@code maxMessageBytes} may differ from the writer's. */
class ReaderLimitTest {

  private static final Destination ORDERS = Destination.queue("orders");

  @Test
  void aBodyOverTheReadersLimitIsDeadLetteredAndNamesBothSides() {
    VirtualTime time = VirtualTime.create();
    List<String> handled = new ArrayList<>();
    try (InMemoryTransport transport =
        InMemoryTransport.builder().runtime(time).maxMessageBytes(1_024).build()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(ORDERS).build(),
              delivery -> {
                handled.add(delivery.message().id());
                return Settlement.done();
              });
      // The record as a writer without that limit publishes it.
      transport.publishRaw(ORDERS, new ForeignRecord("k", Map.of(), new byte[1_025]));
      time.advance(Duration.ofSeconds(1));
      assertThat(handled).isEmpty();
      DeadLetter letter = transport.deadLetters().list(ORDERS, "main", 1).get(0);
      assertThat(letter.reason()).isEqualTo("COMMS-CORE-025");
      assertThat(letter.cause().get("last-cause"))
          .contains("message bytes: 1025 (expected: 0..1024, maxMessageBytes of this reader")
          .contains("the maxMessageBytes of the writer is larger");
    }
  }
}
