package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;

/** A topic that is deleted while it is in use, and recreated. */
class MissingTopicIT {

  private static final String SERVERS = KafkaServer.shared().bootstrapServers();

  private static KafkaTransport transport() {
    return KafkaTransport.create(KafkaTransportConfig.builder(SERVERS).build());
  }

  private static void delete(String topic) throws Exception {
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", SERVERS))) {
      admin.deleteTopics(List.of(topic)).all().get();
    }
  }

  private static CompletableFuture<PublishReceipt> publish(
      KafkaTransport transport, Destination to) {
    return transport.publisher().publish(to, Message.builder("t").build()).toCompletableFuture();
  }

  private static boolean isSent(CompletableFuture<PublishReceipt> published) {
    return published.handle((receipt, failure) -> failure == null).join();
  }

  @Test
  void aDeletedTopicDelaysOthersOnceAndBrieflyAndIsPublishedToAgainOnceItIsBack() throws Exception {
    DestinationConfig gone =
        DestinationConfig.builder(Destination.topic("publish-gone")).optional().build();
    Destination stays = Destination.topic("publish-stays");
    try (KafkaTransport transport = transport()) {
      transport.declare(gone);
      transport.declare(DestinationConfig.builder(stays).optional().build());
      assertThat(isSent(publish(transport, gone.destination()))).isTrue();
      assertThat(isSent(publish(transport, stays))).isTrue();
      delete("publish-gone");
      int slow = 0;
      int rejected = 0;
      while (rejected < 20) {
        long start = System.nanoTime();
        CompletableFuture<PublishReceipt> failing = publish(transport, gone.destination());
        assertThat(isSent(publish(transport, stays))).isTrue();
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        assertThat(took).isLessThan(Duration.ofSeconds(5));
        slow += took.compareTo(Duration.ofSeconds(1)) > 0 ? 1 : 0;
        rejected += failing.isDone() ? 1 : 0;
      }
      assertThat(slow).as("publishes that waited").isLessThanOrEqualTo(1);
      assertThat(publish(transport, gone.destination()))
          .isCompletedExceptionally()
          .failsWithin(Duration.ZERO)
          .withThrowableThat()
          .havingCause()
          .isInstanceOfSatisfying(
              PublishException.class,
              e -> {
                assertThat(e.code()).isEqualTo("COMMS-KAFKA-004");
                assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT);
                assertThat(e.certainty()).isEqualTo(SendCertainty.NOT_SENT);
              })
          .withMessageContaining("Topic publish-gone not present in metadata");
      Health health = transport.health();
      assertThat(health.status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(health.reason()).isEqualTo("topics not found: [publish-gone]");
      try (KafkaTransport other = transport()) {
        other.declare(gone);
      }
      Await.until(
          "published again",
          Duration.ofSeconds(10),
          () -> isSent(publish(transport, gone.destination())));
      assertThat(transport.health().reason()).doesNotContain("topics not found");
    }
  }

  @Test
  void aSubscriptionWhoseTopicIsDeletedIsReportedDownUntilTheTopicIsBack() throws Exception {
    DestinationConfig gone = DestinationConfig.builder(Destination.queue("source-gone")).build();
    DestinationConfig stays =
        DestinationConfig.builder(Destination.queue("source-stays")).partitions(1).build();
    List<String> troubles = new CopyOnWriteArrayList<>();
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onTrouble(Trouble trouble) {
            troubles.add(trouble.kind() + " " + trouble.text());
          }
        };
    AtomicInteger handled = new AtomicInteger();
    try (KafkaTransport transport =
            KafkaTransport.create(
                KafkaTransportConfig.builder(SERVERS).observer(observer).build());
        KafkaTransport other = transport()) {
      transport.declare(gone);
      transport.declare(stays);
      other.declare(stays);
      Subscription dead = subscribe(transport, gone, handled);
      // One of two members has no partition.
      List<Subscription> live =
          List.of(subscribe(transport, stays, handled), subscribe(other, stays, handled));
      delete("source-gone.queue");
      Await.until(
          "down",
          Duration.ofSeconds(30),
          () -> dead.health().reason().equals("topic source-gone.queue does not exist"));
      assertThat(dead.health().status()).isEqualTo(Health.Status.DOWN);
      assertThat(live).allMatch(one -> one.health().status() == Health.Status.UP);
      try (KafkaTransport declares = transport()) {
        declares.declare(gone);
        Await.until("up", Duration.ofSeconds(15), () -> dead.health().status() == Health.Status.UP);
        assertThat(isSent(publish(declares, gone.destination()))).isTrue();
      }
      Await.until("handled", Duration.ofSeconds(30), () -> handled.get() == 1);
      assertThat(troubles)
          .containsExactly(
              "STALLED topic source-gone.queue does not exist",
              "RESUMED topic source-gone.queue exists again");
    }
  }

  private static Subscription subscribe(
      KafkaTransport transport, DestinationConfig to, AtomicInteger handled) {
    return transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(to.destination()).build(),
            delivery -> {
              handled.incrementAndGet();
              return Settlement.done();
            });
  }
}
