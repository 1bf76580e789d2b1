package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A redrive and a group do not lose messages, whether the consumer is faster or absent. */
class RedriveRaceIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static KafkaServer server;

  @BeforeAll
  static void start() {
    server = KafkaServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static KafkaTransport transport() {
    return KafkaTransport.create(KafkaTransportConfig.builder(server.bootstrapServers()).build());
  }

  private static SubscriptionConfig.Builder config(Destination source) {
    return (source.kind() == Destination.Kind.TOPIC
            ? SubscriptionConfig.builder(source, "main")
            : SubscriptionConfig.builder(source))
        .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build());
  }

  private static void publish(KafkaTransport transport, Destination to, String id) {
    Message message = Message.builder("test").id(id).key(id).build();
    transport.publisher().publish(to, message).toCompletableFuture().join();
  }

  @Test
  void aLetterThatFailsAgainBeforeItWasDeletedStays() {
    Destination source = Destination.queue("race");
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(source).build());
      transport
          .subscriber()
          .subscribe(config(source).build(), delivery -> Settlement.deadLetter("no"));
      publish(transport, source, "a");
      publish(transport, source, "b");
      Await.until("both are dead letters", LIMIT, () -> letters(transport, source).size() == 2);
      // The first letter fails again while the second is selected, and is deleted only then.
      AtomicReference<String> first = new AtomicReference<>();
      transport
          .deadLetters()
          .redrive(
              source,
              "main",
              letter -> {
                if (!first.compareAndSet(null, letter.messageId())) {
                  Await.until(
                      "first letter has failed again",
                      LIMIT,
                      () -> isBack(transport, source, first.get()));
                }
                return true;
              });
      Await.until(
          "both back, once each",
          LIMIT,
          () ->
              letters(transport, source).stream()
                  .map(letter -> letter.messageId() + letter.redriveCount())
                  .sorted()
                  .toList()
                  .equals(List.of("a1", "b1")));
      assertThat(transport.deadLetters().discard(source, "main", letter -> true)).isEqualTo(2);
      assertThat(letters(transport, source)).isEmpty();
    }
  }

  private static List<DeadLetter> letters(KafkaTransport transport, Destination source) {
    return transport.deadLetters().list(source, "main", 100);
  }

  private static boolean isBack(KafkaTransport transport, Destination source, String id) {
    return letters(transport, source).stream()
        .anyMatch(letter -> letter.messageId().equals(id) && letter.redriveCount() == 1);
  }

  @Test
  void aGroupThatStartedAtTheEndMissesNothingWhileItIsAbsent() {
    Destination source = Destination.topic("away");
    List<String> handled = new CopyOnWriteArrayList<>();
    SubscriptionConfig config = config(source).startAt(StartPosition.LATEST).build();
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(source).build());
      publish(transport, source, "before-the-group");
      Subscription first = transport.subscriber().subscribe(config, delivery -> Settlement.done());
      // Immediately: a process that is killed before its first record commits nothing later.
      Await.until("the start position is committed", LIMIT, () -> committed(source) > 0);
      first.drain(LIMIT);
      first.close();
    }
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(source).build());
      for (int i = 0; i < 20; i++) {
        publish(transport, source, "away-" + i);
      }
      transport
          .subscriber()
          .subscribe(
              config,
              delivery -> {
                handled.add(delivery.message().id());
                return Settlement.done();
              });
      Await.until("all handled", LIMIT, () -> handled.size() >= 20);
      assertThat(handled).hasSize(20).doesNotContain("before-the-group");
    }
  }

  /** The number of partitions of the source for which the group has committed an offset. */
  private static long committed(Destination source) {
    try (Admin admin =
        Admin.create(Map.of("bootstrap.servers", (Object) server.bootstrapServers()))) {
      return admin
          .listConsumerGroupOffsets(KafkaNames.groupId(source, "main"))
          .partitionsToOffsetAndMetadata()
          .get()
          .entrySet()
          .stream()
          .filter(
              entry ->
                  entry.getKey().topic().equals(KafkaNames.topic(source))
                      && entry.getValue() != null)
          .count();
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }
}
