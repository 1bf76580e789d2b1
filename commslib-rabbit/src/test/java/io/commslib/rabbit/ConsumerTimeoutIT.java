package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Command;
import com.rabbitmq.client.TrafficListener;
import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A broker that closes a channel whose delivery is unacknowledged for too long. */
class ConsumerTimeoutIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** More than those after which a message runs alone with a marker. */
  private static final int DELIVERIES = RabbitDelivery.SUSPICIOUS_DELIVERIES + 2;

  private static RabbitServer server;

  private final RetryRuntime runtime = new RetryRuntime();
  private RawClient foreign;

  @BeforeAll
  static void startServer() {
    server = RabbitServer.start(Map.of("consumer_timeout", "300"));
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @BeforeEach
  void connect() throws Exception {
    foreign = RawClient.connect(server.uri());
  }

  @AfterEach
  void close() {
    foreign.close();
    runtime.close();
  }

  private RabbitTransportConfig.Builder config() {
    return RabbitTransportConfig.builder(server.uri())
        .runtime(runtime)
        .observer(CommsObserver.none());
  }

  private static void publish(RabbitTransport transport, Destination to, String id, String key) {
    transport
        .publisher()
        .publish(to, Message.builder("t").id(id).key(key).build())
        .toCompletableFuture()
        .join();
  }

  @Test
  void aBlockedKeyWaitsThroughTimeoutsAndDisturbsNoOtherSubscription() {
    Destination tasks = Destination.queue("blocked");
    Destination others = Destination.queue("beside");
    AtomicBoolean repaired = new AtomicBoolean();
    List<String> handled = new CopyOnWriteArrayList<>();
    List<Integer> attempts = new CopyOnWriteArrayList<>();
    List<String> beside = new CopyOnWriteArrayList<>();
    AtomicInteger connections = new AtomicInteger();
    try (RabbitTransport transport =
        RabbitTransport.create(
            config()
                .nativeSettings(factory -> factory.setTrafficListener(counting(connections)))
                .bind(tasks, RabbitBinding.queue("blocked").noDeadLetters())
                .build())) {
      transport.declare(DestinationConfig.builder(tasks).build());
      transport.declare(DestinationConfig.builder(others).build());
      publish(transport, tasks, "bad", "a");
      publish(transport, tasks, "behind", "a");
      publish(transport, tasks, "other", "b");
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(tasks).build(),
                  delivery -> {
                    if (delivery.message().id().equals("bad") && !repaired.get()) {
                      attempts.add(delivery.attempt());
                      return Settlement.deadLetter("no");
                    }
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(others).build(),
              delivery -> {
                beside.add(delivery.message().id());
                return Settlement.done();
              });
      Await.until(
          "deliveries", LIMIT, () -> attempts.stream().anyMatch(number -> number > DELIVERIES));
      assertThat(handled).containsOnly("other");
      Await.until(
          "health names it",
          LIMIT,
          () -> subscription.health().reason().contains("no dead letters for "));
      publish(transport, others, "beside", "k");
      Await.until("handled beside", LIMIT, () -> beside.contains("beside"));
      assertThat(connections).as("one for publishing, one for both subscriptions").hasValue(2);
      assertThat(attempts).as("no tight loop").hasSizeLessThan(10 * DELIVERIES);
      repaired.set(true);
      Await.until("handled", LIMIT, () -> handled.contains("behind"));
      assertThat(handled.stream().distinct()).containsExactly("other", "bad", "behind");
    }
  }

  private static TrafficListener counting(AtomicInteger connections) {
    return new TrafficListener() {
      @Override
      public void write(Command command) {
        if (command.getMethod() instanceof AMQP.Connection.Open) {
          connections.incrementAndGet();
        }
      }

      @Override
      public void read(Command command) {}
    };
  }

  @Test
  void unreadableMessagesWaitThroughTimeoutsAndNoMoreAreDeadLettered() throws Exception {
    Destination queue = Destination.queue("unreadable");
    List<String> handled = new CopyOnWriteArrayList<>();
    try (RabbitTransport transport = RabbitTransport.create(config().build())) {
      transport.declare(DestinationConfig.builder(queue).build());
      for (int i = 0; i < 3; i++) {
        foreign.publish("", queue.name(), Map.of("plain", i));
      }
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(queue).maxUnreadable(1).build(),
                  delivery -> {
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      Await.until("deliveries", LIMIT, () -> subscription.snapshot().count(Count.RECEIVED) > 3 * 4);
      assertThat(transport.deadLetters().list(queue, "main", 10)).hasSize(1);
      Await.until(
          "health names the format",
          LIMIT,
          () ->
              subscription.health().status() == Health.Status.DEGRADED
                  && subscription.health().reason().contains("format"));
      // Not earlier: another worker may read it first, and a record that can be read ends the
      // watch.
      foreign.publish("", queue.name(), RawClient.event("good", "k"));
      Await.until(
          "resumed",
          LIMIT,
          () -> {
            subscription.resume();
            return handled.contains("good");
          });
      // A letter whose record the channel loses before its acknowledgement is published twice.
      Await.until(
          "the letters", LIMIT, () -> transport.deadLetters().list(queue, "main", 10).size() >= 3);
      Await.until("all settled", LIMIT, () -> foreign.count(queue.name()) == 0);
      assertThat(handled).containsOnly("good");
    }
  }

  /** The timeout of the queue's argument is shorter than that of the broker. */
  private static final Map<String, Object> SHORT = Map.of("x-consumer-timeout", 90);

  @Test
  void aPausedRouteReturnsItsMessagesInOrderBeforeTheTimeoutAndWaitsWithoutAConsumer() {
    Destination queue = Destination.queue("returned");
    AtomicInteger closedByTheBroker = new AtomicInteger();
    List<String> handled = new CopyOnWriteArrayList<>();
    try (RabbitTransport transport =
        RabbitTransport.create(
            config()
                .nativeSettings(factory -> factory.setTrafficListener(closes(closedByTheBroker)))
                .bind(queue, RabbitBinding.queue("returned").arguments(SHORT))
                .build())) {
      transport.declare(DestinationConfig.builder(queue).build());
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(queue).workers(2).maxInFlight(7).build(),
                  delivery -> {
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      subscription.pause();
      for (int i = 1; i <= 20; i++) {
        publish(transport, queue, "m" + i, "k");
      }
      Await.until("returned", LIMIT, () -> foreign.consumers("returned") == 0);
      Await.until("all are in the queue", LIMIT, () -> foreign.count("returned") == 20);
      Await.until(
          "health names the queue",
          LIMIT,
          () ->
              subscription.health().status() == Health.Status.DEGRADED
                  && subscription.health().reason().contains("of queue returned were returned"));
      Await.stays("it waits", Duration.ofMillis(400), () -> foreign.consumers("returned") == 0);
      subscription.resume();
      Await.until("all are handled", LIMIT, () -> handled.size() == 20);
      assertThat(handled)
          .containsExactlyElementsOf(IntStream.rangeClosed(1, 20).mapToObj(i -> "m" + i).toList());
      assertThat(closedByTheBroker).hasValue(0);
      Await.until("up", LIMIT, () -> subscription.health().status() == Health.Status.UP);
      assertThat(subscription.snapshot().imbalance()).isZero();
    }
  }

  @Test
  void aKeyThatWaitsIsReturnedBeforeTheTimeoutAndOthersContinue() {
    Destination queue = Destination.queue("waits");
    AtomicInteger closedByTheBroker = new AtomicInteger();
    AtomicBoolean repaired = new AtomicBoolean();
    List<Integer> attempts = new CopyOnWriteArrayList<>();
    List<String> handled = new CopyOnWriteArrayList<>();
    try (RabbitTransport transport =
        RabbitTransport.create(
            config()
                .nativeSettings(factory -> factory.setTrafficListener(closes(closedByTheBroker)))
                .bind(queue, RabbitBinding.queue("waits").arguments(SHORT).noDeadLetters())
                .build())) {
      transport.declare(DestinationConfig.builder(queue).build());
      publish(transport, queue, "bad", "a");
      publish(transport, queue, "behind", "a");
      publish(transport, queue, "other", "b");
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                if (delivery.message().id().equals("bad") && !repaired.get()) {
                  attempts.add(delivery.attempt());
                  return Settlement.deadLetter("no");
                }
                handled.add(delivery.message().id());
                return Settlement.done();
              });
      Await.until("returned several times", LIMIT, () -> attempts.size() > 4);
      publish(transport, queue, "later", "b");
      Await.until("others", LIMIT, () -> handled.contains("later"));
      assertThat(handled).containsExactly("other", "later");
      repaired.set(true);
      Await.until("handled", LIMIT, () -> handled.contains("behind"));
      assertThat(handled).containsExactly("other", "later", "bad", "behind");
      assertThat(closedByTheBroker).hasValue(0);
    }
  }

  private static TrafficListener closes(AtomicInteger closes) {
    return new TrafficListener() {
      @Override
      public void write(Command command) {}

      @Override
      public void read(Command command) {
        if (command.getMethod() instanceof AMQP.Channel.Close) {
          closes.incrementAndGet();
        }
      }
    };
  }
}
