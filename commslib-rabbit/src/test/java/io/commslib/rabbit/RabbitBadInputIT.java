package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.Await;
import io.commslib.testkit.contract.BadInputContract;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** The bad-input contract on a real RabbitMQ. */
class RabbitBadInputIT extends BadInputContract {

  @Override
  protected BadInputHarness createHarness(CommsObserver observer) {
    return new RabbitHarness(RabbitServer.shared().uri(), observer);
  }

  @Test
  void aDeliveryCountForgedByTheSenderIsIgnored() throws Exception {
    Destination queue = Destination.queue("forged-count");
    try (RabbitHarness rabbit =
        new RabbitHarness(RabbitServer.shared().uri(), new CommsObserver() {})) {
      rabbit.transport().declare(DestinationConfig.builder(queue).build());
      List<Integer> attempts = new CopyOnWriteArrayList<>();
      rabbit
          .transport()
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                attempts.add(delivery.attempt());
                return Settlement.done();
              });
      Map<String, Object> headers =
          Map.of(
              "cloudEvents_specversion", "1.0",
              "cloudEvents_id", "forged",
              "cloudEvents_type", "contract.message",
              "x-delivery-count", 1_000_000L);
      rabbit.publishTable(queue, headers, new byte[0]);
      Await.until("handled", Duration.ofSeconds(30), () -> attempts.size() == 1);
      assertThat(attempts).containsExactly(1);
    }
  }
}
