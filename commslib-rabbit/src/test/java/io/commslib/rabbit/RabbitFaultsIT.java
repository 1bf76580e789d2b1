package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.RabbitServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class RabbitFaultsIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private static RabbitTransport transport(String uri) {
    return RabbitTransport.create(
        RabbitTransportConfig.builder(uri).publishTimeout(Duration.ofSeconds(5)).build());
  }

  @Test
  void confirmedMessagesSurviveKillsOfTheBrokerAndTheConsumerContinues() {
    Destination queue = Destination.queue("killed");
    try (RabbitServer server = RabbitServer.start();
        RabbitTransport transport = transport(server.uri())) {
      transport.declare(DestinationConfig.builder(queue).build());
      Set<String> confirmed = ConcurrentHashMap.newKeySet();
      Set<String> handled = ConcurrentHashMap.newKeySet();
      Map<String, Integer> last = new ConcurrentHashMap<>();
      AtomicInteger inversions = new AtomicInteger();
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                String id = delivery.message().id();
                int number = Integer.parseInt(id.substring(id.indexOf('-') + 1));
                if (handled.add(id)
                    && last.merge(delivery.message().key().orElseThrow(), number, Math::max)
                        != number) {
                  inversions.incrementAndGet();
                }
                return Settlement.done();
              });
      // A quorum queue that is killed sooner after its declaration loses confirmed messages.
      LockSupport.parkNanos(Duration.ofMillis(2_500).toNanos());
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
          publish(transport, queue, "k" + i % 10, round * 200 + i, confirmed);
        }
        server.kill();
        server.restart();
      }
      Await.until("all confirmed ones handled", LIMIT, () -> handled.containsAll(confirmed));
      assertThat(confirmed).hasSize(400);
      assertThat(inversions).hasValue(0);
    }
  }

  /**
   * Waits for each confirm and repeats failed publishes, like the relay, so that the order of a key
   * is known.
   */
  private static void publish(
      RabbitTransport transport, Destination to, String key, int number, Set<String> confirmed) {
    Message message = Message.builder("t").id(key + "-" + number).key(key).build();
    for (int attempt = 0; attempt < 200; attempt++) {
      try {
        transport.publisher().publish(to, message).toCompletableFuture().join();
        confirmed.add(message.id());
        return;
      } catch (CompletionException e) {
        assertThat(e).hasMessageContaining("COMMS-RABBIT");
        LockSupport.parkNanos(50_000_000);
      }
    }
  }

  @Test
  void aConnectionCutBetweenDeliveryAndAcknowledgementRedelivers() throws Exception {
    URI uri = URI.create(RabbitServer.shared().uri());
    Destination queue = Destination.queue("cut");
    try (TcpFaultProxy proxy =
        TcpFaultProxy.to(new InetSocketAddress(uri.getHost(), uri.getPort()))) {
      String through = "amqp://" + uri.getUserInfo() + "@127.0.0.1:" + proxy.port();
      // Published past the proxy: the cut may come before the confirm.
      try (RabbitTransport transport = transport(through);
          RabbitTransport sending = transport(uri.toString())) {
        transport.declare(DestinationConfig.builder(queue).build());
        sending.declare(DestinationConfig.builder(queue).build());
        List<Integer> attempts = new CopyOnWriteArrayList<>();
        Subscription subscription =
            transport
                .subscriber()
                .subscribe(
                    SubscriptionConfig.builder(queue).build(),
                    delivery -> {
                      attempts.add(delivery.attempt());
                      if (attempts.size() == 1) {
                        proxy.cut();
                      }
                      return Settlement.done();
                    });
        sending
            .publisher()
            .publish(queue, Message.builder("t").id("m").key("k").build())
            .toCompletableFuture()
            .join();
        Await.until("redelivered", LIMIT, () -> attempts.size() == 2);
        assertThat(attempts).containsExactly(1, 2);
        Await.until("settled", LIMIT, () -> subscription.snapshot().imbalance() == 0);
        Await.until("publishes again", LIMIT, () -> publishes(transport, queue));
      }
    }
  }

  private static boolean publishes(RabbitTransport transport, Destination queue) {
    try {
      transport
          .publisher()
          .publish(queue, Message.builder("t").build())
          .toCompletableFuture()
          .join();
      return true;
    } catch (CompletionException e) {
      return false;
    }
  }

  @Test
  void aSecondConsumerStandsByAndTakesOver() {
    Destination queue = Destination.queue("standby");
    String uri = RabbitServer.shared().uri();
    try (RabbitTransport first = transport(uri);
        RabbitTransport second = transport(uri)) {
      first.declare(DestinationConfig.builder(queue).build());
      second.declare(DestinationConfig.builder(queue).build());
      List<String> byFirst = new CopyOnWriteArrayList<>();
      List<String> bySecond = new CopyOnWriteArrayList<>();
      first
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                byFirst.add(delivery.message().id());
                return Settlement.done();
              });
      second
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                bySecond.add(delivery.message().id());
                return Settlement.done();
              });
      for (int i = 0; i < 20; i++) {
        first
            .publisher()
            .publish(queue, Message.builder("t").id("a" + i).key("k").build())
            .toCompletableFuture()
            .join();
      }
      Await.until("first handled all", LIMIT, () -> byFirst.size() == 20);
      assertThat(bySecond).isEmpty();
      first.close();
      for (int i = 0; i < 20; i++) {
        second
            .publisher()
            .publish(queue, Message.builder("t").id("b" + i).key("k").build())
            .toCompletableFuture()
            .join();
      }
      Await.until("second handled the rest", LIMIT, () -> bySecond.size() == 20);
      assertThat(bySecond)
          .isSortedAccordingTo(
              (a, b) ->
                  Integer.compare(
                      Integer.parseInt(a.substring(1)), Integer.parseInt(b.substring(1))));
    }
  }

  @Test
  void withoutConnectionAPublishFailsAsNotSent() {
    try (RabbitServer server = RabbitServer.start();
        RabbitTransport transport = transport(server.uri())) {
      Destination queue = Destination.queue("gone");
      transport.declare(DestinationConfig.builder(queue).build());
      server.kill();
      Await.until(
          "the loss is detected",
          LIMIT,
          () -> transport.health().status() == io.commslib.core.Health.Status.DOWN);
      assertThatThrownBy(
              () ->
                  transport
                      .publisher()
                      .publish(queue, Message.builder("t").build())
                      .toCompletableFuture()
                      .join())
          .cause()
          .isInstanceOfSatisfying(
              PublishException.class,
              failure -> assertThat(failure.certainty()).isEqualTo(SendCertainty.NOT_SENT));
    }
  }

  @Test
  void invalidSettingsAreRefusedWithoutShowingThePassword() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RabbitTransportConfig.builder("http://guest:hunter2@host"))
        .withMessageStartingWith(
            "uri: (not shown) (expected: amqp://user:password@host:port,host:port/vhost");
    RabbitTransportConfig.Builder config =
        RabbitTransportConfig.builder("amqp://guest:hunter2@127.0.0.1:5672");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> config.maxUnconfirmed(0))
        .withMessage("maxUnconfirmed: 0 (expected: 1..100000)");
    assertThat(config.build().toString()).doesNotContain("hunter2").contains("127.0.0.1:5672");
  }
}
