package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.RabbitServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Detection of messages that kill their process. */
class CrashLoopIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** More than any limit. */
  private static final int MANY = 60;

  private final String uri = RabbitServer.shared().uri();

  private static SubscriptionConfig.Builder config(Destination queue) {
    return SubscriptionConfig.builder(queue)
        .workers(4)
        .retry(RetrySchedule.builder().attemptsAtOnce(1).delays().build());
  }

  private static RabbitTransport transport(String uri) {
    return RabbitTransport.create(
        RabbitTransportConfig.builder(uri).observer(CommsObserver.none()).build());
  }

  private static void publish(RabbitTransport transport, Destination queue, String id) {
    transport
        .publisher()
        .publish(queue, Message.builder("t").id(id).key(id).build())
        .toCompletableFuture()
        .join();
  }

  /** Fetches messages and returns them unhandled, like a process that ends too early. */
  private void fetchAndReturn(String queue, int messages, int times) throws Exception {
    try (RawClient foreign = RawClient.connect(uri)) {
      BlockingQueue<Long> tags = new LinkedBlockingQueue<>();
      foreign
          .channel()
          .basicConsume(
              queue,
              false,
              (consumer, delivery) -> tags.add(delivery.getEnvelope().getDeliveryTag()),
              consumer -> {});
      for (int i = 0; i < times; i++) {
        long last = 0;
        for (int j = 0; j < messages; j++) {
          Long tag = tags.poll(30, TimeUnit.SECONDS);
          last = Objects.requireNonNull(tag, "fetched again");
        }
        foreign.channel().basicNack(last, true, true);
      }
    }
  }

  @Test
  void messagesThatWereFetchedManyTimesButNeverHandledAreHandled() throws Exception {
    Destination queue = Destination.queue("fetched-in-vain");
    try (RabbitTransport transport = transport(uri);
        RawClient foreign = RawClient.connect(uri)) {
      transport.declare(DestinationConfig.builder(queue).build());
      for (int i = 0; i < 10; i++) {
        publish(transport, queue, "m" + i);
      }
      fetchAndReturn(queue.name(), 10, MANY);
      List<String> handled = new CopyOnWriteArrayList<>();
      AtomicInteger running = new AtomicInteger();
      AtomicInteger mostAtOnce = new AtomicInteger();
      transport
          .subscriber()
          .subscribe(
              config(queue).build(),
              delivery -> {
                mostAtOnce.accumulateAndGet(running.incrementAndGet(), Math::max);
                handled.add(delivery.message().id());
                running.decrementAndGet();
                return Settlement.done();
              });
      Await.until("all handled", LIMIT, () -> handled.size() == 10);
      assertThat(handled)
          .containsExactly("m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9");
      assertThat(mostAtOnce).as("each alone, since one of them may kill the process").hasValue(1);
      assertThat(transport.deadLetters().list(queue, "main", 10)).isEmpty();
      Await.until(
          "no marker is left",
          LIMIT,
          () -> foreign.count(RabbitNames.attemptMarkers(RabbitNames.queue(queue, "main"))) == 0);
    }
  }

  @Test
  void messagesOfAPausedSubscriptionSurviveManyReconnects() throws Exception {
    URI server = URI.create(uri);
    Destination queue = Destination.queue("paused-and-cut");
    try (TcpFaultProxy proxy =
            TcpFaultProxy.to(new InetSocketAddress(server.getHost(), server.getPort()));
        RabbitTransport direct = transport(uri)) {
      direct.declare(DestinationConfig.builder(queue).build());
      String through = "amqp://" + server.getUserInfo() + "@127.0.0.1:" + proxy.port();
      List<Integer> attempts = new CopyOnWriteArrayList<>();
      for (int i = 0; i < 2; i++) {
        try (RabbitTransport cut =
            RabbitTransport.create(
                RabbitTransportConfig.builder(through)
                    .observer(CommsObserver.none())
                    .reconnect(Backoff.exponential(Duration.ofMillis(10), Duration.ofMillis(20)))
                    .build())) {
          cut.declare(DestinationConfig.builder(queue).build());
          Subscription subscription =
              cut.subscriber()
                  .subscribe(
                      config(queue).build(),
                      delivery -> {
                        attempts.add(delivery.attempt());
                        return Settlement.done();
                      });
          subscription.pause();
          if (i == 0) {
            // Published after the pause, so that it is not handled before.
            publish(direct, queue, "m");
          }
          for (int round = 1; i == 0 && round <= 30; round++) {
            int received = round;
            Await.until("received again", LIMIT, () -> received(subscription) >= received);
            proxy.cut();
          }
          if (i == 1) {
            subscription.resume();
            Await.until("handled", LIMIT, () -> !attempts.isEmpty());
            // Closing would return messages that are not acknowledged yet.
            assertThat(subscription.drain(LIMIT)).isTrue();
          }
        }
      }
      assertThat(attempts).hasSize(1).first().satisfies(n -> assertThat(n).isGreaterThan(26));
      assertThat(direct.deadLetters().list(queue, "main", 10)).isEmpty();
    }
  }

  private static long received(Subscription subscription) {
    return subscription
        .snapshot()
        .count(io.commslib.core.messaging.SubscriptionSnapshot.Count.RECEIVED);
  }

  /** Simulates the death of the process by cutting its connection during an attempt. */
  @Test
  void onlyAMessageThatEndsItsProcessEveryTimeIsDeadLettered() throws Exception {
    URI server = URI.create(uri);
    Destination queue = Destination.queue("killer");
    try (TcpFaultProxy proxy =
            TcpFaultProxy.to(new InetSocketAddress(server.getHost(), server.getPort()));
        RabbitTransport direct = transport(uri)) {
      direct.declare(DestinationConfig.builder(queue).build());
      publish(direct, queue, "killer");
      publish(direct, queue, "good1");
      publish(direct, queue, "good2");
      fetchAndReturn(queue.name(), 3, RabbitDelivery.SUSPICIOUS_DELIVERIES);
      String through = "amqp://" + server.getUserInfo() + "@127.0.0.1:" + proxy.port();
      List<String> started = new CopyOnWriteArrayList<>();
      for (int i = 0; i < 2 * MANY && direct.deadLetters().list(queue, "main", 10).isEmpty(); i++) {
        runUntilItDies(through, proxy, queue, started);
      }
      List<DeadLetter> letters = direct.deadLetters().list(queue, "main", 10);
      assertThat(letters).extracting(DeadLetter::messageId).containsExactly("killer");
      assertThat(letters.get(0).reason()).isEqualTo("CRASH_LOOP");
      // One attempt of the schedule and the margin of 20.
      assertThat(started.stream().filter("killer"::equals)).hasSize(21);
      Await.until("the others are handled", LIMIT, () -> started.contains("good2"));
      assertThat(started).containsOnlyOnce("good1", "good2");
    }
  }

  private static void runUntilItDies(
      String uri, TcpFaultProxy proxy, Destination queue, List<String> started) throws Exception {
    CountDownLatch ended = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    MessageHandler handler =
        new MessageHandler() {
          @Override
          public Settlement handle(Delivery delivery) throws Exception {
            started.add(delivery.message().id());
            if (delivery.message().id().equals("killer")) {
              ended.countDown();
              never.await();
            }
            if (delivery.message().id().equals("good2")) {
              ended.countDown();
            }
            return Settlement.done();
          }
        };
    try (RabbitTransport mortal = transport(uri)) {
      mortal.declare(DestinationConfig.builder(queue).build());
      Subscription subscription = mortal.subscriber().subscribe(config(queue).build(), handler);
      Await.until("started", LIMIT, () -> ended.getCount() == 0);
      if (!started.contains("good2")) {
        proxy.cut();
      } else {
        subscription.drain(LIMIT);
      }
    }
  }
}
