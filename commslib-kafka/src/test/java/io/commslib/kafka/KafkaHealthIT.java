package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The time within which health reports the state of the broker. */
class KafkaHealthIT {

  /** The promised time. */
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private static void becomes(
      Health.Status status, KafkaTransport transport, Subscription subscription) {
    Await.until(
        "both are " + status,
        LIMIT,
        () -> transport.health().status() == status && subscription.health().status() == status);
  }

  @Test
  void aProcessThatOnlyConsumesReportsADeadAndASilentBroker() {
    Destination queue = Destination.queue("watched");
    try (KafkaServer server = KafkaServer.start();
        KafkaTransport transport =
            KafkaTransport.create(
                KafkaTransportConfig.builder(server.bootstrapServers())
                    .operationTimeout(Duration.ofSeconds(1))
                    .build());
        KafkaTransport consumes =
            KafkaTransport.create(
                KafkaTransportConfig.builder(server.bootstrapServers()).build())) {
      consumes.declare(DestinationConfig.builder(queue).build());
      Subscription subscription =
          consumes
              .subscriber()
              .subscribe(SubscriptionConfig.builder(queue).build(), delivery -> Settlement.done());
      becomes(Health.Status.UP, consumes, subscription);
      assertThat(consumes.health().details())
          .containsKeys("lastAnswer", "oldestUnconfirmed", "waitingForRoom");
      assertThat(subscription.health().details()).containsKey("lastPoll");
      server.pause();
      becomes(Health.Status.DOWN, consumes, subscription);
      server.resume();
      becomes(Health.Status.UP, consumes, subscription);
      server.kill();
      becomes(Health.Status.DOWN, consumes, subscription);
      assertThat(subscription.health().reason())
          .startsWith("the Kafka cluster at " + server.bootstrapServers() + " has not answered");
      assertThatThrownBy(() -> transport.declare(DestinationConfig.builder(queue).build()))
          .isInstanceOf(SubscribeException.class);
      assertThat(transport.health().status())
          .as("a transport without a declaration")
          .isEqualTo(Health.Status.DOWN);
      server.restart();
      becomes(Health.Status.UP, consumes, subscription);
      becomes(Health.Status.UP, transport, subscription);
    }
  }
}
