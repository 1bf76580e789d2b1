package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.redrive.CauseGroup;
import io.commslib.core.redrive.Redrive;
import io.commslib.core.redrive.RedriveReport;
import io.commslib.core.redrive.RedriveSelection;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The redrive of the tour. */
class RedriveSnippetTest {

  @Test
  void redrivesTheLettersOfOneCause() {
    VirtualTime time = VirtualTime.create();
    SystemRuntime runtime = SystemRuntime.create();
    InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build();
    Destination orders = Destination.queue("orders");
    transport.declare(DestinationConfig.builder(orders).build());
    AtomicInteger handled = new AtomicInteger();
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(orders).build(),
            delivery -> {
              if (delivery.redriveCount() == 0) {
                return Settlement.deadLetter("NO_PRICE");
              }
              handled.incrementAndGet();
              return Settlement.done();
            });
    for (int i = 1; i <= 2; i++) {
      transport
          .publisher()
          .publish(orders, Message.builder("shop.order").key("k").body(new byte[] {'1'}).build());
    }
    time.advance(Duration.ofSeconds(1));
    // snippet: redrive
    Redrive redrive = Redrive.builder(transport.deadLetters(), runtime).maxPerSecond(50).build();
    for (CauseGroup cause : redrive.groups(orders, "main")) {
      RedriveSelection selection = RedriveSelection.cause(cause.fingerprint());
      RedriveReport planned = redrive.dryRun(orders, "main", selection);
      if (planned.quarantined() == 0) {
        redrive.run(orders, "main", selection, "ann", "the price list is back");
      }
    }
    // end
    time.advance(Duration.ofSeconds(1));
    assertThat(handled).hasValue(2);
    transport.close();
    runtime.close();
  }
}
