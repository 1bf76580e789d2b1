package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class KafkaFaultsIT {

  @Test
  void confirmedMessagesSurviveKillsOfTheBrokerAndTheConsumerContinues() {
    Destination queue = Destination.queue("killed");
    try (KafkaServer server = KafkaServer.start();
        KafkaTransport transport =
            KafkaTransport.create(
                KafkaTransportConfig.builder(server.bootstrapServers()).build())) {
      transport.declare(DestinationConfig.builder(queue).build());
      Set<String> confirmed = ConcurrentHashMap.newKeySet();
      Map<String, Integer> last = new ConcurrentHashMap<>();
      Set<String> handled = ConcurrentHashMap.newKeySet();
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
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
          publish(transport, queue, "k" + i % 10, round * 200 + i, confirmed);
        }
        server.kill();
        server.restart();
      }
      Await.until(
          "all confirmed ones handled",
          Duration.ofSeconds(60),
          () -> handled.containsAll(confirmed));
      assertThat(confirmed).hasSize(400);
      assertThat(inversions).hasValue(0);
    }
  }

  /**
   * Waits for each confirmation and repeats failed publishes, as the relay does, so that the order
   * of a key is known.
   */
  private static void publish(
      KafkaTransport transport, Destination to, String key, int number, Set<String> confirmed) {
    Message message = Message.builder("t").id(key + "-" + number).key(key).build();
    for (int attempt = 0; attempt < 10; attempt++) {
      try {
        transport.publisher().publish(to, message).toCompletableFuture().join();
        confirmed.add(message.id());
        return;
      } catch (CompletionException e) {
        assertThat(e).hasMessageContaining("COMMS-KAFKA");
      }
    }
  }

  @Test
  void aBurstRightAfterTheDeclarationIsConfirmed() {
    try (KafkaTransport transport =
        KafkaTransport.create(
            KafkaTransportConfig.builder(KafkaServer.shared().bootstrapServers()).build())) {
      for (int round = 0; round < 8; round++) {
        Destination topic = Destination.topic("burst-" + round);
        transport.declare(DestinationConfig.builder(topic).partitions(8).optional().build());
        List<CompletableFuture<PublishReceipt>> receipts = new ArrayList<>();
        for (int i = 0; i < 2_000; i++) {
          Message message =
              Message.builder("t").id("m" + i).key("k" + i % 100).body(new byte[512]).build();
          receipts.add(transport.publisher().publish(topic, message).toCompletableFuture());
        }
        assertThat(CompletableFuture.allOf(receipts.toArray(CompletableFuture<?>[]::new)))
            .succeedsWithin(Duration.ofSeconds(60));
      }
    }
  }

  @Test
  void settingsOwnedByTheLibraryAreRejectedByName() {
    KafkaTransportConfig.Builder config = KafkaTransportConfig.builder("localhost:9092");
    for (String owned :
        List.of(
            "enable.auto.commit", "acks", "enable.idempotence", "group.id", "auto.offset.reset")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> config.clientSetting(owned, "x"))
          .withMessageStartingWith(
              "clientSetting: " + owned + " (expected: a setting the library does not own");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaTransportConfig.builder("no port"))
        .withMessage("bootstrapServers: 'no port' (expected: host:port,host:port,...)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> config.sessionTimeout(Duration.ofSeconds(1)))
        .withMessage("sessionTimeout: PT1S (expected: PT6S..PT30M)");
    assertThat(config.clientSetting("ssl.key.password", "hunter2").build().toString())
        .doesNotContain("hunter2");
  }

  @Test
  void namesOfTheLibrarysOwnTopicsAreRejected() {
    try (KafkaTransport transport =
        KafkaTransport.create(
            KafkaTransportConfig.builder(KafkaServer.shared().bootstrapServers()).build())) {
      for (String name : List.of("a.queue", "a.main.dlq", "a.main.redrive")) {
        assertThatThrownBy(
                () -> transport.declare(DestinationConfig.builder(Destination.topic(name)).build()))
            .hasMessage(
                "COMMS-KAFKA-010: destination: "
                    + name
                    + " (expected: a name that does not end with .queue, .dlq, .redrive or"
                    + " .delay-<number>, or a KafkaBinding)");
      }
    }
  }

  @Test
  void aRestartedMemberWithANameHasItsPartitionsBackImmediately() {
    Destination queue = Destination.queue("named");
    String servers = KafkaServer.shared().bootstrapServers();
    List<String> handled = new CopyOnWriteArrayList<>();
    KafkaTransport first = named(servers);
    first.declare(DestinationConfig.builder(queue).build());
    first
        .subscriber()
        .subscribe(SubscriptionConfig.builder(queue).build(), delivery -> Settlement.done());
    first.close();
    long start = System.nanoTime();
    try (KafkaTransport second = named(servers)) {
      second.declare(DestinationConfig.builder(queue).build());
      second
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                handled.add(delivery.message().id());
                return Settlement.done();
              });
      second
          .publisher()
          .publish(queue, Message.builder("t").id("m").build())
          .toCompletableFuture()
          .join();
      Await.until("handled", Duration.ofSeconds(30), () -> handled.contains("m"));
      // The session of the first member would have lasted for another 10 s.
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
    }
  }

  private static KafkaTransport named(String servers) {
    return KafkaTransport.create(KafkaTransportConfig.builder(servers).memberId("one").build());
  }
}
