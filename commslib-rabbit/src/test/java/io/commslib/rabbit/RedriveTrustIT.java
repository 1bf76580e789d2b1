package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Delivery;
import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.messaging.TransportException;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Only the library's own redrive counts are trusted. */
class RedriveTrustIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String COUNT = "commslib-redrive-count";
  private static int number;

  private final Destination orders = Destination.topic("trust-" + ++number);
  private final String queue = RabbitNames.queue(orders, "g");
  private final Map<String, Integer> counts = new ConcurrentHashMap<>();
  private RabbitTransport transport;
  private RawClient foreign;

  @BeforeEach
  void start() throws Exception {
    String uri = RabbitServer.shared().uri();
    transport = RabbitTransport.create(RabbitTransportConfig.builder(uri).build());
    transport.declare(DestinationConfig.builder(orders).group("g").build());
    foreign = RawClient.connect(uri);
  }

  @AfterEach
  void stop() {
    foreign.close();
    transport.close();
  }

  private Subscription subscribe(SubscriptionConfig.Builder config) {
    return transport
        .subscriber()
        .subscribe(
            config.build(),
            delivery -> {
              String id = delivery.message().id();
              counts.put(id, delivery.redriveCount());
              return id.startsWith("bad") && delivery.redriveCount() == 0
                  ? Settlement.deadLetter("no")
                  : Settlement.done();
            });
  }

  private static void awaitCount(Subscription subscription, Count count, long expected) {
    Await.until(
        expected + " " + count, LIMIT, () -> subscription.snapshot().count(count) == expected);
  }

  @Test
  void aForgedRedriveCountIsIgnoredOnEveryRoute() throws Exception {
    String spy = foreign.spyOn(RabbitNames.redrive(RabbitNames.queue(orders, "g")));
    try (Subscription subscription = subscribe(SubscriptionConfig.builder(orders, "g"))) {
      foreign.publish("", queue, RawClient.event("bad", "k"));
      awaitCount(subscription, Count.DEAD_LETTERED, 1);
      transport.deadLetters().redrive(orders, "g", letter -> true);
      Delivery redriven = foreign.consume(spy, 1).get(0);
      foreign.publish("", queue, RawClient.event("to-the-queue", "a", COUNT, "1000000"));
      foreign.publish(orders.name(), "", RawClient.event("to-the-topic", "b", COUNT, 7));
      // Like a bridge that copies messages.
      Map<String, Object> copied = RawClient.event("copy", "c", COUNT, "1");
      foreign.publish(
          orders.name(),
          "",
          redriven.getProperties().builder().headers(copied).userId("guest").build(),
          redriven.getBody());
      awaitCount(subscription, Count.DONE, 4);
    }
    assertThat(counts).isEqualTo(Map.of("bad", 1, "to-the-queue", 0, "to-the-topic", 0, "copy", 0));
  }

  @Test
  void aForgedCountDoesNotPassABlockedKeyAndARedrivenOneDoes() throws Exception {
    InMemoryBlockedKeyStore blockedKeys = new InMemoryBlockedKeyStore();
    try (Subscription subscription =
        subscribe(SubscriptionConfig.builder(orders, "g").blockKeyOnDeadLetter(blockedKeys))) {
      foreign.publish("", queue, RawClient.event("bad", "k"));
      foreign.publish("", queue, RawClient.event("forged", "k", COUNT, "1000000"));
      awaitCount(subscription, Count.BLOCKED, 1);
      assertThat(counts).doesNotContainKey("forged");
      assertThat(transport.deadLetters().list(orders, "g", 10))
          .allMatch(letter -> letter.redriveCount() == 0);
      transport.deadLetters().redrive(orders, "g", letter -> true);
      awaitCount(subscription, Count.DONE, 2);
    }
    assertThat(counts).isEqualTo(Map.of("bad", 1, "forged", 1));
  }

  @Test
  void withoutTheRedriveExchangeNothingIsRedrivenAndPublishersContinue() throws Exception {
    try (Subscription subscription = subscribe(SubscriptionConfig.builder(orders, "g"))) {
      foreign.publish("", queue, RawClient.event("bad", "k"));
      awaitCount(subscription, Count.DEAD_LETTERED, 1);
      foreign.channel().exchangeDelete(RabbitNames.redrive(RabbitNames.queue(orders, "g")));
      assertThatThrownBy(() -> transport.deadLetters().redrive(orders, "g", letter -> true))
          .isInstanceOf(TransportException.class)
          .hasMessageStartingWith("COMMS-RABBIT-007: redrive")
          .hasMessageContaining(
              "NOT_FOUND - no exchange '" + RabbitNames.redrive(RabbitNames.queue(orders, "g")));
      assertThat(transport.health().status()).isEqualTo(io.commslib.core.Health.Status.UP);
      assertThat(transport.deadLetters().list(orders, "g", 10)).hasSize(1);
      transport.declare(DestinationConfig.builder(orders).group("g").build());
      assertThat(transport.deadLetters().redrive(orders, "g", letter -> true)).isEqualTo(1);
      awaitCount(subscription, Count.DONE, 1);
    }
  }

  @Test
  void verifyOnlyRefusesAGroupWithMissingDeadLetterQueuesOrExchange() throws Exception {
    DestinationConfig existing = DestinationConfig.builder(orders).group("g").verifyOnly().build();
    transport.declare(existing);
    for (String missing :
        List.of(
            RabbitNames.redrive(RabbitNames.queue(orders, "g")),
            queue + "@.dlq",
            queue + "@.begun")) {
      if (missing.endsWith("redrive")) {
        foreign.channel().exchangeDelete(missing);
      } else {
        foreign.channel().queueDelete(missing);
      }
      assertThatThrownBy(() -> transport.declare(existing))
          .hasMessageMatching(
              "COMMS-RABBIT-002: declare topic:.*: NOT_FOUND - no (queue|exchange) '"
                  + missing
                  + "' in vhost '/'");
      transport.declare(DestinationConfig.builder(orders).group("g").build());
    }
  }
}
