package io.commslib.core.inmemory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Behaviour of this transport only; the rest is in the testkit's contract. */
class InMemoryTransportTest {

  private static final Destination QUEUE = Destination.queue("orders");

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransport transport =
      InMemoryTransport.builder().runtime(time).maxBacklog(1_000).build();

  @AfterEach
  void close() {
    transport.close();
  }

  @Test
  @Timeout(20)
  void aMessageGivenBackIsRedeliveredAfterAPause() {
    declareQueue();
    List<Duration> handled = new ArrayList<>();
    long start = time.time().nanoTime();
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(QUEUE).build(),
            delivery -> {
              handled.add(Duration.ofNanos(time.time().nanoTime() - start));
              return Settlement.giveBack();
            });
    publish("m1", "k");
    time.advance(Duration.ofSeconds(1));
    assertThat(handled).hasSizeBetween(5, 20);
  }

  @Test
  void everyDestinationHasTheCapabilitiesOfTheTransport() {
    assertThat(transport.capabilities(QUEUE)).isSameAs(transport.capabilities());
    assertThat(transport.capabilities(Destination.topic("undeclared")))
        .isSameAs(transport.capabilities());
  }

  @Test
  void anEventOutsideTheRulesOfPublishingIsNotSentAsItIs() {
    declareQueue();
    CloudEventsEnvelope envelope = new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);
    Map<String, String> headers = new HashMap<>();
    headers.put("ce_specversion", "1.0");
    headers.put("ce_id", "x".repeat(200));
    headers.put("ce_type", "t");
    Message received = envelope.read(new ForeignRecord("k", headers, new byte[0]));
    assertThatThrownBy(
            () -> transport.publisher().publish(QUEUE, received).toCompletableFuture().join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOfSatisfying(
            PublishException.class,
            refusal -> {
              assertThat(refusal.code()).isEqualTo("COMMS-CORE-028");
              assertThat(refusal.certainty()).isEqualTo(SendCertainty.NOT_SENT);
              assertThat(refusal.getMessage())
                  .contains("COMMS-CORE-028: message as it was received: id: 'xxx")
                  .contains("(expected: ")
                  .hasSizeLessThan(400);
            });
    transport
        .publisher()
        .publish(QUEUE, received.toBuilder().id("short").build())
        .toCompletableFuture()
        .join();
  }

  @Test
  void aFullOrPausedMemberBlocksNeitherOtherKeysNorOtherMembers() {
    declareQueue();
    SubscriptionConfig config = SubscriptionConfig.builder(QUEUE).workers(1).maxInFlight(1).build();
    List<String> waiting = new ArrayList<>();
    transport
        .subscriber()
        .subscribe(
            config,
            delivery -> {
              waiting.add(delivery.message().id());
              return Settlement.retry(Duration.ofHours(1));
            });
    publish("m1", "a");
    time.runUntilIdle();
    assertThat(waiting).containsExactly("m1");
    Subscription pauses =
        transport
            .subscriber()
            .subscribe(SubscriptionConfig.builder(QUEUE).build(), delivery -> Settlement.done());
    pauses.pause();
    List<String> handled = new ArrayList<>();
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(QUEUE).build(),
            delivery -> {
              handled.add(delivery.message().id());
              return Settlement.done();
            });
    publish("m2", "a");
    for (int i = 0; i < 10; i++) {
      publish("b" + i, "b");
      publish("c" + i, null);
    }
    time.advance(Duration.ofSeconds(1));
    assertThat(handled).hasSize(20).doesNotContain("m2");
    pauses.close();
  }

  @Test
  void keepsTheOrderOfKeysWhileMembersComeAndGoAndMessagesAreGivenBack() {
    declareQueue();
    for (long seed = 1; seed <= 50; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      Map<String, List<Integer>> firsts = new HashMap<>();
      List<Subscription> members = new ArrayList<>();
      int published = 0;
      while (published < 300) {
        switch (random.nextInt(8)) {
          case 0 -> members.add(member(random, firsts));
          case 1 -> leave(members, random);
          case 2 -> time.advance(Duration.ofMillis(random.nextInt(200)));
          default -> {
            publish(Integer.toString(published++), "k" + random.nextInt(5));
            time.runUntilIdle();
          }
        }
      }
      members.add(member(random, firsts));
      time.advance(Duration.ofMinutes(10));
      int handled = firsts.values().stream().mapToInt(List::size).sum();
      assertThat(handled).as("seed %d", seed).isEqualTo(300);
      firsts.values().forEach(ids -> assertThat(ids).isSorted());
      members.forEach(Subscription::close);
    }
  }

  private Subscription member(SplittableRandom random, Map<String, List<Integer>> firsts) {
    return transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(QUEUE).workers(2).maxInFlight(4).build(),
            delivery -> {
              if (random.nextInt(4) == 0) {
                return Settlement.giveBack();
              }
              List<Integer> ids =
                  firsts.computeIfAbsent(
                      delivery.message().key().orElseThrow(), key -> new ArrayList<>());
              Integer id = Integer.valueOf(delivery.message().id());
              if (!ids.contains(id)) {
                ids.add(id);
              }
              return Settlement.done();
            });
  }

  private static void leave(List<Subscription> members, SplittableRandom random) {
    if (!members.isEmpty()) {
      Subscription leaves = members.remove(random.nextInt(members.size()));
      if (random.nextBoolean()) {
        leaves.drain(Duration.ZERO);
      }
      leaves.close();
    }
  }

  @Test
  void redeliversUnkeyedMessagesOfACrashedMemberInTheirOrderBeforeTheOthers() {
    declareQueue();
    Subscription crashes =
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(QUEUE).maxInFlight(10).build(),
                delivery -> Settlement.retry(Duration.ofHours(1)));
    for (int i = 0; i < 8; i++) {
      publish("m" + i, null);
    }
    time.runUntilIdle();
    crashes.close();
    List<String> handled = new ArrayList<>();
    List<Integer> attempts = new ArrayList<>();
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(QUEUE).workers(1).build(),
            delivery -> {
              handled.add(delivery.message().id());
              attempts.add(delivery.attempt());
              return Settlement.done();
            });
    time.runUntilIdle();
    assertThat(handled).containsExactly("m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7");
    assertThat(attempts).startsWith(2, 2, 2, 2);
  }

  @Test
  void refusesMoreThanTheBacklogAsNotSent() {
    declareQueue();
    for (int i = 0; i < 1_000; i++) {
      publish("m" + i, null);
    }
    assertThatThrownBy(() -> publish("over", null))
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOfSatisfying(
            PublishException.class,
            refusal -> assertThat(refusal.certainty()).isEqualTo(SendCertainty.NOT_SENT))
        .hasMessageContaining(
            "backlog: 1000 (expected: less than 1000, maxBacklog of the transport)");
  }

  @Test
  void aQueueHasOneGroup() {
    declareQueue();
    assertThatThrownBy(
            () -> transport.declare(DestinationConfig.builder(QUEUE).group("second").build()))
        .isInstanceOf(SubscribeException.class)
        .hasMessageContaining("second");
  }

  @Test
  void verifyOnlyCreatesNoGroup() {
    Destination topic = Destination.topic("t");
    transport.declare(DestinationConfig.builder(topic).group("a").build());
    assertThatThrownBy(
            () ->
                transport.declare(DestinationConfig.builder(topic).group("b").verifyOnly().build()))
        .isInstanceOf(SubscribeException.class);
    publishTo(topic, "m1", null);
    assertThatThrownBy(() -> transport.deadLetters().list(topic, "b", 1))
        .isInstanceOf(SubscribeException.class);
  }

  @Test
  @Timeout(20)
  void aHandlerThatPublishesToItsOwnQueueNeitherRecursesNorStarves() {
    declareQueue();
    int[] handled = {0};
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(QUEUE).build(),
            delivery -> {
              if (handled[0]++ < 5_000) {
                publish("m" + handled[0], "k" + handled[0] % 3);
              }
              return Settlement.done();
            });
    publish("m0", "k");
    time.runUntilIdle();
    assertThat(handled[0]).isEqualTo(5_001);
  }

  @Test
  @Timeout(60)
  void redrivesManyDeadLettersQuickly() {
    InMemoryTransport large = InMemoryTransport.builder().runtime(time).build();
    large.declare(DestinationConfig.builder(QUEUE).build());
    Subscription parks =
        large
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(QUEUE).build(),
                delivery ->
                    delivery.redriveCount() == 0 ? Settlement.deadLetter("no") : Settlement.done());
    for (int i = 0; i < 60_000; i++) {
      large.publisher().publish(QUEUE, message("m" + i, null)).toCompletableFuture().join();
      time.runUntilIdle();
    }
    long start = System.nanoTime();
    assertThat(large.deadLetters().redrive(QUEUE, "main", letter -> true)).isEqualTo(60_000);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    parks.close();
    large.close();
  }

  private void declareQueue() {
    transport.declare(DestinationConfig.builder(QUEUE).build());
  }

  private void publish(String id, String key) {
    publishTo(QUEUE, id, key);
  }

  private void publishTo(Destination to, String id, String key) {
    transport.publisher().publish(to, message(id, key)).toCompletableFuture().join();
  }

  private static Message message(String id, String key) {
    Message.Builder message = Message.builder("order.placed").id(id);
    return key == null ? message.build() : message.key(key).build();
  }
}
