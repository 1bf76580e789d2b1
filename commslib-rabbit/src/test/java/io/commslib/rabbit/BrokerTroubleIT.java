package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A broker that dies, falls silent, or accepts only small messages. */
class BrokerTroubleIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration NOTICED = Duration.ofSeconds(10);
  private static final Duration HEARTBEAT = Duration.ofSeconds(2);

  private static RabbitServer server;

  @BeforeAll
  static void startServer() {
    server = RabbitServer.start(Map.of("max_message_size", "100000"));
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  private static RabbitTransport transport() {
    return RabbitTransport.create(
        RabbitTransportConfig.builder(server.uri())
            .heartbeat(HEARTBEAT)
            .observer(CommsObserver.none())
            .build());
  }

  private static void publish(RabbitTransport transport, Destination queue, Message message) {
    transport.publisher().publish(queue, message).toCompletableFuture().join();
  }

  @Test
  void healthIsDownWhileTheBrokerIsDeadOrSilentAndUpAfterwards() {
    Destination queue = Destination.queue("health");
    try (RabbitTransport transport = transport();
        RabbitTransport publishes = transport()) {
      publishes.declare(DestinationConfig.builder(queue).build());
      transport.declare(DestinationConfig.builder(queue).build());
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(SubscriptionConfig.builder(queue).build(), delivery -> Settlement.done());
      awaitHealth(transport, subscription, Health.Status.UP, NOTICED);
      assertThat(transport.health().details())
          .containsKeys("oldestUnconfirmed", "unconfirmed", "waitingForRoom");
      // A quorum queue that is killed sooner after its declaration may not recover.
      LockSupport.parkNanos(Duration.ofMillis(2_500).toNanos());
      server.kill();
      awaitHealth(transport, subscription, Health.Status.DOWN, NOTICED);
      Await.until(
          "the publishing transport is down",
          NOTICED,
          () -> publishes.health().reason().startsWith("not connected: "));
      assertThat(transport.health().reason()).contains("not connected: ").hasSizeGreaterThan(25);
      assertThat(subscription.health().reason()).startsWith("not connected: ");
      server.restart();
      awaitHealth(transport, subscription, Health.Status.UP, NOTICED);
      server.pause();
      Duration silence = HEARTBEAT.multipliedBy(9).dividedBy(4);
      awaitHealth(transport, subscription, Health.Status.DOWN, silence.plus(NOTICED));
      server.resume();
      awaitHealth(transport, subscription, Health.Status.UP, NOTICED);
    }
  }

  private static void awaitHealth(
      RabbitTransport transport, Subscription subscription, Health.Status status, Duration limit) {
    Await.until(
        "health " + status,
        limit,
        () -> transport.health().status() == status && subscription.health().status() == status);
  }

  @Test
  void aLetterThatIsTooLargeForTheBrokerIsCutAndHoldsUpNoOther() throws Exception {
    Destination queue = Destination.queue("small-letters");
    try (RabbitTransport transport = transport();
        RawClient foreign = RawClient.connect(server.uri())) {
      transport.declare(DestinationConfig.builder(queue).build());
      List<String> handled = new CopyOnWriteArrayList<>();
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                handled.add(delivery.message().id());
                return delivery.message().id().equals("large")
                    ? Settlement.deadLetter("x".repeat(1_000))
                    : Settlement.done();
              });
      // Headers near the frame limit: with the cause they fit only in front of the body.
      Map<String, Object> headers = RawClient.event("large", "k", "long", "h".repeat(100_000));
      headers.put("table", Map.of("inner", "t".repeat(30_000)));
      byte[] body = new byte[60_000];
      foreign.publish(
          "", queue.name(), new AMQP.BasicProperties.Builder().headers(headers).build(), body);
      Await.until(
          "dead-lettered", LIMIT, () -> !transport.deadLetters().list(queue, "main", 10).isEmpty());
      publish(transport, queue, Message.builder("t").id("next").key("k").build());
      Await.until("the next is handled", LIMIT, () -> handled.contains("next"));
      DeadLetter letter = transport.deadLetters().list(queue, "main", 10).get(0);
      assertThat(letter.messageId()).isEqualTo("large");
      assertThat(letter.reason()).hasSize(200);
      assertThat(foreign.consume(queue.name() + "@.dlq", 1).get(0).getBody()).isEqualTo(body);
    }
  }

  @Test
  void aMessageOverTheLimitOfTheBrokerIsRefusedPermanentlyAndClosesOnlyOneChannel() {
    Destination queue = Destination.queue("limited");
    try (RabbitTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(queue).build());
      Message large = Message.builder("t").id("large").body(new byte[150_000]).build();
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> publish(transport, queue, large))
            .cause()
            .hasMessage(
                "COMMS-RABBIT-015: message bytes: 150000 (expected: 0..100000, max_message_size of"
                    + " the broker) (NOT_SENT, queue:limited, message large)");
        if (i == 0) {
          Await.until(
              "connected again", LIMIT, () -> transport.health().status() == Health.Status.UP);
        }
      }
      assertThat(transport.health().status()).isEqualTo(Health.Status.UP);
      publish(transport, queue, Message.builder("t").body(new byte[90_000]).build());
    }
  }

  @Test
  void stopIntakeStartsNoHandlerAndTheDrainLeavesTheRestInTheQueue() throws Exception {
    Destination queue = Destination.queue("stop-intake");
    try (RabbitTransport transport = transport();
        RawClient foreign = RawClient.connect(server.uri())) {
      transport.declare(DestinationConfig.builder(queue).build());
      CountDownLatch started = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      List<String> handled = new CopyOnWriteArrayList<>();
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(queue).build(),
                  delivery -> {
                    started.countDown();
                    release.await();
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      publish(transport, queue, Message.builder("t").id("running").build());
      started.await();
      subscription.stopIntake();
      for (int i = 0; i < 20; i++) {
        publish(transport, queue, Message.builder("t").id("late" + i).build());
      }
      release.countDown();
      assertThat(subscription.drain(LIMIT)).isTrue();
      assertThat(handled).containsExactly("running");
      Await.until("all others are in the queue", LIMIT, () -> foreign.count(queue.name()) == 20);
    }
  }
}
