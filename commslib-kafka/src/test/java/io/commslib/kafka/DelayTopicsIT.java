package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;

class DelayTopicsIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration DELAY = Duration.ofMillis(1_500);
  private static final int BOUND = 20;

  private record Seen(String id, int attempt, long nanos) {}

  private final List<Seen> seen = new CopyOnWriteArrayList<>();

  @Test
  void unorderedMessagesWaitAtTheBrokerAndUseNoIntakeCapacity() {
    Destination queue = Destination.queue("delayed");
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(queue).partitions(3).build());
      Subscription subscription =
          transport.subscriber().subscribe(config(queue).unordered().build(), this::failOnce);
      publish(transport, queue, "bad", 5 * BOUND, false);
      publish(transport, queue, "good", 5 * BOUND, false);
      Await.until("all done", LIMIT, () -> subscription.snapshot().count(Count.DONE) == 10 * BOUND);

      assertThat(topics()).contains("delayed.queue.main.delay-1500");
      assertThat(partitions("delayed.queue.main.delay-1500")).isEqualTo(3);
      assertThat(subscription.snapshot().count(Count.DEFERRED)).isEqualTo(5 * BOUND);
      assertThat(subscription.snapshot().imbalance()).isZero();
      for (Seen second : seen) {
        if (second.attempt() == 2) {
          assertThat(second.nanos() - nanos(second.id(), 1))
              .as("not before it is due")
              .isGreaterThanOrEqualTo(DELAY.minusMillis(50).toNanos());
        }
      }
    }
  }

  @Test
  void deferredMessagesOutliveTheirConsumer() {
    Destination queue = Destination.queue("delayed-handover");
    try (KafkaTransport first = transport()) {
      first.declare(DestinationConfig.builder(queue).partitions(3).build());
      Subscription subscription =
          first.subscriber().subscribe(config(queue).unordered().build(), this::failOnce);
      publish(first, queue, "bad", 30, false);
      Await.until("deferred", LIMIT, () -> subscription.snapshot().count(Count.DEFERRED) == 30);
    }
    try (KafkaTransport second = transport()) {
      second.declare(DestinationConfig.builder(queue).partitions(3).build());
      second.subscriber().subscribe(config(queue).unordered().build(), this::failOnce);
      Set<String> again = new TreeSet<>();
      Await.until(
          "second attempts",
          LIMIT,
          () -> {
            seen.stream().filter(one -> one.attempt() == 2).forEach(one -> again.add(one.id()));
            return again.size() == 30;
          });
    }
  }

  @Test
  void theDeadLetterStatesTheOriginalPositionOfTheMessage() {
    Destination queue = Destination.queue("delayed-dead");
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(queue).partitions(3).build());
      transport
          .subscriber()
          .subscribe(
              config(queue).unordered().build(),
              delivery -> {
                throw new IllegalStateException("attempt " + delivery.attempt());
              });
      publish(transport, queue, "dead", 1, false);
      Await.until(
          "dead letter", LIMIT, () -> !transport.deadLetters().list(queue, "main", 10).isEmpty());
      DeadLetter letter = transport.deadLetters().list(queue, "main", 10).get(0);
      assertThat(letter.attempts()).isEqualTo(2);
      assertThat(letter.cause().get("position")).startsWith("delayed-dead.queue-");
      assertThat(letter.cause().get("first-cause")).endsWith("attempt 1");
      assertThat(letter.cause().get("last-cause")).endsWith("attempt 2");
    }
  }

  @Test
  void orderedMessagesWaitInTheirLanesUpToHalfOfTheIntakeCapacity() {
    Destination queue = Destination.queue("waiting");
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(queue).partitions(3).build());
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(config(queue).build(), delivery -> Settlement.retry(Duration.ofHours(1)));
      publish(transport, queue, "m", 5 * BOUND, true);
      Await.until(
          "half of the capacity waits",
          LIMIT,
          () -> subscription.snapshot().count(Count.WAITING) >= BOUND / 2);

      assertThat(subscription.snapshot().isIntakePaused()).isTrue();
      assertThat(subscription.snapshot().count(Count.RECEIVED)).isLessThanOrEqualTo(BOUND);
      assertThat(subscription.health().status().name()).isEqualTo("UP");
      assertThat(topics()).noneMatch(name -> name.startsWith("waiting.queue.main.delay"));
    }
  }

  private static KafkaTransport transport() {
    return KafkaTransport.create(
        KafkaTransportConfig.builder(KafkaServer.shared().bootstrapServers()).build());
  }

  private static SubscriptionConfig.Builder config(Destination queue) {
    return SubscriptionConfig.builder(queue)
        .workers(4)
        .maxInFlight(BOUND)
        .withoutDeadLetterBreaker()
        .retry(RetrySchedule.builder().attemptsAtOnce(1).delays(DELAY).build());
  }

  private Settlement failOnce(Delivery delivery) {
    seen.add(new Seen(delivery.message().id(), delivery.attempt(), System.nanoTime()));
    return delivery.message().id().startsWith("bad") && delivery.attempt() == 1
        ? Settlement.retry()
        : Settlement.done();
  }

  private long nanos(String id, int attempt) {
    return seen.stream()
        .filter(one -> one.id().equals(id) && one.attempt() == attempt)
        .mapToLong(Seen::nanos)
        .max()
        .orElseThrow();
  }

  private static void publish(
      KafkaTransport transport, Destination to, String prefix, int count, boolean keyed) {
    CompletableFuture<?>[] all = new CompletableFuture<?>[count];
    for (int i = 0; i < count; i++) {
      Message.Builder message = Message.builder("t").id(prefix + i);
      all[i] =
          transport
              .publisher()
              .publish(to, keyed ? message.key("k" + i).build() : message.build())
              .toCompletableFuture();
    }
    CompletableFuture.allOf(all).join();
  }

  private static Set<String> topics() {
    try (Admin admin = admin()) {
      return admin.listTopics().names().get(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static int partitions(String topic) {
    try (Admin admin = admin()) {
      return admin
          .describeTopics(List.of(topic))
          .allTopicNames()
          .get(30, TimeUnit.SECONDS)
          .get(topic)
          .partitions()
          .size();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()));
  }
}
