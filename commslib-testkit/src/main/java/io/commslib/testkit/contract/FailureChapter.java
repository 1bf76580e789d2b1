package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.sabotage.Saboteur;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on handlers that fail, overrun their deadline or are never called. */
abstract class FailureChapter extends ContractFixture {

  @Test
  @DisplayName("A message without attempts left is dead-lettered with its cause")
  @BrokenBy({Saboteur.RETRIES_FOREVER, Saboteur.HIDES_CAUSES})
  void exhaustedIsDeadLetteredWithItsCause() {
    Destination topic = topic("billing");
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              throw new IllegalStateException("ledger is shut");
            });
    subscribe(config(topic, "billing"), handled);
    Instant before = Instant.now().minusSeconds(1);
    publish(topic, message("m1"));
    DeadLetter letter = awaitDeadLetters(topic, "billing", 1).get(0);
    assertThat(handled.attempts("m1")).containsExactly(1, 2, 3);
    assertThat(letter.attempts()).isEqualTo(3);
    assertThat(letter.reason()).isEqualTo("ATTEMPTS_EXHAUSTED");
    assertThat(letter.failedAt()).isAfter(before);
    assertThat(letter.fingerprint()).contains("IllegalStateException");
    assertThat(letter.cause())
        .containsEntry("source", topic.toString())
        .containsEntry("group", "billing")
        .containsKeys("position", "received-at", "stack");
    assertThat(letter.cause().get("first-cause")).contains("ledger is shut");
    assertThat(letter.cause().get("last-cause")).contains("ledger is shut");
  }

  @Test
  @DisplayName("After a dead letter the later messages of its key continue in order")
  @BrokenBy({Saboteur.SWAPS_MESSAGES_OF_A_KEY, Saboteur.SWALLOWS_DEAD_LETTERS})
  void aKeyContinuesAfterADeadLetter() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery ->
                delivery.message().id().equals("m2")
                    ? Settlement.deadLetter("no")
                    : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    List<String> ids = publishKey(queue, "k", "m", 6);
    awaitCount(subscription, Count.DONE, 5);
    assertThat(handled.firstOfKey("k")).isEqualTo(ids);
    assertThat(idsOf(awaitDeadLetters(queue, "main", 1))).containsExactly("m2");
  }

  @Test
  @DisplayName("A dead letter keeps the first and the last cause")
  @BrokenBy(Saboteur.HIDES_CAUSES)
  void firstAndLastCauseAreKept() {
    Destination queue = queue();
    subscribe(
        config(queue),
        delivery -> {
          throw new IllegalStateException("failure " + delivery.attempt());
        });
    publish(queue, message("m1"));
    DeadLetter letter = awaitDeadLetters(queue, "main", 1).get(0);
    assertThat(letter.cause().get("first-cause")).contains("failure 1");
    assertThat(letter.cause().get("last-cause")).contains("failure 3");
  }

  @Test
  @DisplayName("A null settlement counts as a failed attempt")
  @BrokenBy(Saboteur.TAKES_NULL_FOR_DONE)
  void nullSettlementIsAFailedAttempt() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(delivery -> delivery.attempt() == 1 ? null : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.attempts("m1")).containsExactly(1, 2);
  }

  @Test
  @DisplayName("The subscription's classifier decides about what a handler throws")
  @BrokenBy(Saboteur.IGNORES_CLASSIFIER)
  void theClassifierDecidesAboutFailures() {
    Destination queue = queue();
    Subscription subscription =
        subscribe(
            config(queue)
                .classifier(
                    failure ->
                        failure instanceof UnsupportedOperationException
                            ? Settlement.drop("unsupported")
                            : Settlement.deadLetter("by classifier")),
            delivery -> {
              if (delivery.message().id().equals("drops")) {
                throw new UnsupportedOperationException("no");
              }
              throw new IllegalStateException("no");
            });
    publish(queue, message("drops"));
    publish(queue, message("parks"));
    DeadLetter letter = awaitDeadLetters(queue, "main", 1).get(0);
    assertThat(letter.messageId()).isEqualTo("parks");
    assertThat(letter.reason()).isEqualTo("by classifier");
    awaitCount(subscription, Count.DROPPED, 1);
  }

  @Test
  @DisplayName("A PERMANENT failure of the library is dead-lettered at once with its code")
  @BrokenBy(Saboteur.SWALLOWS_THROWS)
  void permanentFailureIsDeadLetteredAtOnce() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              throw new StoreException("COMMS-TEST-001", FailureKind.PERMANENT, "no table", null);
            });
    subscribe(config(queue), handled);
    publish(queue, message("m1"));
    assertThat(awaitDeadLetters(queue, "main", 1).get(0).reason()).isEqualTo("COMMS-TEST-001");
    assertThat(handled.attempts("m1")).containsExactly(1);
  }

  @Test
  @DisplayName("An Error of a handler is a failed attempt, and the workers keep running")
  @BrokenBy(Saboteur.SWALLOWS_THROWS)
  void errorIsAFailedAttempt() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (delivery.message().id().startsWith("bad")) {
                throw new StackOverflowError("deep");
              }
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue).workers(1), handled);
    publish(queue, message("bad1"));
    publish(queue, message("bad2"));
    publish(queue, message("good"));
    awaitDeadLetters(queue, "main", 2);
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.attempts("bad1")).containsExactly(1, 2, 3);
  }

  @Test
  @DisplayName(
      "An OutOfMemoryError gives messages back as a crash does; the subscription pauses and resumes")
  @BrokenBy(Saboteur.SWALLOWS_THROWS)
  void aJvmErrorGivesBackAndPauses() {
    Destination queue = queue();
    AtomicBoolean failed = new AtomicBoolean();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (failed.compareAndSet(false, true)) {
                throw new OutOfMemoryError("planted");
              }
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue).workers(1), handled);
    publishKey(queue, "k", "m", 3);
    awaitCount(subscription, Count.DONE, 3);
    assertThat(handled.ids()).containsExactly("m1", "m1", "m2", "m3");
    if (transport.capabilities(queue).has(Capability.REDELIVERY_COUNT)) {
      assertThat(handled.attempts("m1")).as("it counts as a delivery").containsExactly(1, 2);
    }
    assertThat(deadLetters(queue, "main")).isEmpty();
    await("up again", () -> subscription.health().status() == Health.Status.UP);
  }

  @Test
  @DisplayName(
      "A handler past its deadline is interrupted; its key continues only after it returns")
  @BrokenBy({Saboteur.IGNORES_DEADLINES, Saboteur.ABANDONS_OVERRUN_HANDLERS})
  void deadlineInterruptsAndTheKeyWaits() {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (delivery.message().id().equals("slow") && delivery.attempt() == 1) {
                awaitThroughInterrupts(release, interrupted);
              }
              return Settlement.done();
            });
    subscribe(config(queue).handlerDeadline(Duration.ofMillis(100)), handled);
    publish(queue, message("slow", "k"));
    publish(queue, message("next", "k"));
    await("the handler was interrupted", interrupted::get);
    stays("the key waits", () -> handled.ids().equals(List.of("slow")));
    release.countDown();
    await("all handled", () -> handled.count() == 3);
    assertThat(handled.ids()).containsExactly("slow", "slow", "next");
    assertThat(handled.attempts("slow")).containsExactly(1, 2);
    assertThat(observer.overruns()).contains("slow");
  }

  @Test
  @DisplayName("A subscription with more stuck handlers than allowed reports DOWN")
  @BrokenBy(Saboteur.ALWAYS_HEALTHY)
  void stuckHandlersAreReported() {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    Subscription subscription =
        subscribe(
            config(queue).workers(3).maxStuckHandlers(1).handlerDeadline(Duration.ofMillis(50)),
            delivery -> {
              awaitThroughInterrupts(release, new AtomicBoolean());
              return Settlement.done();
            });
    assertThat(subscription.health().status()).isEqualTo(Health.Status.UP);
    publish(queue, message("m1"));
    publish(queue, message("m2"));
    await("down", () -> subscription.health().status() == Health.Status.DOWN);
    assertThat(subscription.snapshot().stuckHandlers()).isEqualTo(2);
    release.countDown();
    await("up again", () -> subscription.health().status() == Health.Status.UP);
  }

  private void awaitThroughInterrupts(CountDownLatch release, AtomicBoolean interrupted) {
    boolean released = false;
    while (!released) {
      try {
        released = reached(release);
      } catch (InterruptedException e) {
        interrupted.set(true);
      }
    }
  }

  @Test
  @DisplayName("A record that can't be decoded is dead-lettered unhandled, and its key continues")
  @BrokenBy(Saboteur.HIDES_UNDECODABLE)
  void undecodableIsDeadLettered() throws Exception {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    harness.publishForeign(queue, "k", "not ours".getBytes(StandardCharsets.UTF_8));
    publish(queue, message("ours", "k"));
    DeadLetter letter = awaitDeadLetters(queue, "main", 1).get(0);
    assertThat(letter.message()).isEmpty();
    assertThat(letter.reason()).isEqualTo("COMMS-CORE-021");
    assertThat(letter.attempts()).isZero();
    await("ours handled", () -> handled.ids().equals(List.of("ours")));
  }

  @Test
  @DisplayName(
      "A subscription that has read nothing pauses after 20 unreadable records, until it reads one")
  @BrokenBy(Saboteur.DRAINS_UNREADABLE_TOPICS)
  void anUnreadableTopicIsNoticed() throws Exception {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), RecordingHandler.done());
    publishUnreadable(queue, 25);
    await("degraded", () -> subscription.health().status() == Health.Status.DEGRADED);
    assertThat(subscription.health().reason()).contains("format");
    assertThat(subscription.snapshot().isRoutePaused()).isTrue();
    awaitDeadLetters(queue, "main", 20);
    // A letter can be read before its delivery is counted.
    awaitCount(subscription, Count.DEAD_LETTERED, 20);
    stays("the rest at the broker", () -> countDeadLetters(subscription) == 20);
    subscription.resume();
    awaitCount(subscription, Count.DEAD_LETTERED, 21);
    stays("one more", () -> countDeadLetters(subscription) == 21);
    publish(queue, message("readable", "k"));
    await(
        "the readable one handled",
        () -> {
          subscription.resume();
          return subscription.snapshot().count(Count.DONE) == 1;
        });
    publishUnreadable(queue, 25);
    awaitCount(subscription, Count.DEAD_LETTERED, 50);
    await("up", () -> subscription.health().status() == Health.Status.UP);
  }

  private void publishUnreadable(Destination queue, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      harness.publishForeign(queue, "k" + i, "{}".getBytes(StandardCharsets.UTF_8));
    }
  }

  private static long countDeadLetters(Subscription subscription) {
    return subscription.snapshot().count(Count.DEAD_LETTERED);
  }

  @Test
  @DisplayName("An expired message is dead-lettered unhandled")
  @BrokenBy(Saboteur.FORGETS_ATTRIBUTES)
  void expiredIsDeadLettered() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, expired());
    assertThat(awaitDeadLetters(queue, "main", 1).get(0).reason()).isEqualTo("EXPIRED");
    awaitCount(subscription, Count.EXPIRED, 1);
    assertThat(handled.count()).isZero();
  }

  @Test
  @DisplayName("An expired message is dropped if the subscription is configured so")
  @BrokenBy(Saboteur.FORGETS_DEMANDS)
  void expiredIsDroppedIfConfigured() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    Subscription subscription = subscribe(config(queue).dropExpired(), handled);
    publish(queue, expired());
    awaitCount(subscription, Count.EXPIRED, 1);
    assertThat(deadLetters(queue, "main")).isEmpty();
    assertThat(handled.count()).isZero();
  }

  private static Message expired() {
    return message("m1").toBuilder().expiry(Instant.now().minusSeconds(60)).build();
  }

  @Test
  @DisplayName("An outage pauses the route, consumes no attempt and leaves no dead letter")
  @BrokenBy(Saboteur.COUNTS_OUTAGES)
  void anOutageConsumesNoAttempt() {
    Destination queue = queue();
    AtomicBoolean down = new AtomicBoolean(true);
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (down.get()) {
                throw new StoreException(
                    "COMMS-TEST-002", FailureKind.TRANSIENT, "database is away", null);
              }
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue).retry(attempts(2)), handled);
    publish(queue, message("m1", "k"));
    await("several probes", () -> handled.count() >= 3);
    assertThat(subscription.snapshot().isRoutePaused()).isTrue();
    assertThat(subscription.health().status()).isEqualTo(Health.Status.DEGRADED);
    down.set(false);
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.attempts("m1")).containsOnly(1);
    assertThat(deadLetters(queue, "main")).isEmpty();
    await("the route is open", () -> !subscription.snapshot().isRoutePaused());
  }
}
