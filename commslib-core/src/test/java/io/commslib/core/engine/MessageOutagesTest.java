package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.wire.WireMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * One message whose own attempts end in an outage, such as one that loses its connection. On a
 * thread of its own, since a loop of the engine in virtual time heeds no interrupt.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MessageOutagesTest {

  private final EngineFixture rig = new EngineFixture();
  private final AtomicBoolean down = new AtomicBoolean();
  private final List<String> handled = new ArrayList<>();
  private final List<Integer> attempts = new ArrayList<>();

  @AfterEach
  void ledgerBalances() {
    assertThat(rig.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void aMessageWithAnOutageOfItsOwnIsDeadLetteredAndTheOthersAreHandled() {
    rig.start(rig.config().retry(schedule(3)).build(), this::handle);
    acceptOthers(0, 50);
    rig.accept("bad", "b").accept("behind", "b");
    int next = 50;
    for (int second = 0; second < 60; second++) {
      acceptOthers(next++, 1);
      rig.time().advance(Duration.ofSeconds(1));
    }
    assertBadIsDeadLettered(3);
    assertThat(handled).hasSize(111).endsWith("m109").contains("behind");
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.UP);
    assertThat(rig.acknowledged().indexOf("behind"))
        .as("the key keeps its order")
        .isGreaterThan(rig.acknowledged().indexOf("bad"));
  }

  @Test
  void theOthersGetTheirTurnAfterAFewProbes() {
    rig.start(rig.config().workers(1).retry(schedule(3)).build(), this::handle);
    rig.accept("bad", "b");
    acceptOthers(0, 20);
    rig.time().advance(Duration.ofSeconds(5));
    assertThat(handled).hasSize(20);
    assertThat(attempts.size() - handled.size()).isLessThan(10);
  }

  @Test
  void inTransactionsAndWithTheInboxItIsTheSame() {
    InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
    rig.start(
        rig.config()
            .transactional(transactions, new SeenMessageInbox(transactions.database(), "duplicate"))
            .retry(schedule(2))
            .build(),
        this::handle);
    rig.accept("bad", "b").accept("behind", "b");
    offerOthersForAMinute();
    assertBadIsDeadLettered(2);
    assertThat(handled).hasSize(61);
  }

  @Test
  void inBatchesItIsTheSame() {
    BatchHandler handler =
        batch -> {
          for (Delivery delivery : batch) {
            handle(delivery);
          }
          return BatchHandler.allDone(batch);
        };
    rig.start(
        rig.config()
            .batch(BatchBounds.of(10))
            .transactional(InMemoryTransactionRunner.create())
            .retry(schedule(2))
            .build(),
        handler);
    rig.accept("bad", "b").accept("behind", "b");
    offerOthersForAMinute();
    assertBadIsDeadLettered(2);
    assertThat(rig.acknowledged()).hasSize(62);
  }

  @Test
  void inUnorderedSubscriptionsTheBrokerKeepsItMeanwhile() {
    AtomicInteger kept = new AtomicInteger();
    rig.delays(
        (record, delay) -> {
          kept.incrementAndGet();
          return Optional.of(CompletableFuture.completedFuture(null));
        });
    rig.start(rig.config().unordered().retry(schedule(3)).build(), this::handle);
    rig.accept("bad", "b");
    offerOthersForAMinute();
    assertThat(kept).hasValue(1);
    assertThat(rig.engine().snapshot().count(Count.DEFERRED)).isEqualTo(1);
    assertThat(handled).hasSize(60);
  }

  @Test
  void anOutageOfAllCostsNoAttempt() {
    rig.start(rig.config().retry(schedule(1)).build(), this::handle);
    for (int outage = 0; outage < 20; outage++) {
      down.set(true);
      acceptOthers(outage * 10, 10);
      // Of many lengths, so that each turn of the probes is met by an end.
      rig.time().advance(Duration.ofMillis(100 + 437L * outage));
      down.set(false);
      rig.time().advance(Duration.ofSeconds(30));
      assertThat(handled).hasSize(10 * (outage + 1));
    }
    assertThat(attempts).containsOnly(1);
    assertThat(rig.deadLetters()).isEmpty();
  }

  @Test
  void aMessageThatFailsInAnOutageOfAllAndAgainByItselfLosesOnlyItsOwnAttempts() {
    rig.start(rig.config().retry(schedule(2)).build(), this::handle);
    down.set(true);
    rig.accept("bad", "b");
    acceptOthers(0, 10);
    rig.time().advance(Duration.ofMinutes(5));
    assertThat(rig.deadLetters()).isEmpty();
    assertThat(attempts).containsOnly(1);
    down.set(false);
    acceptOthers(10, 10);
    rig.time().advance(Duration.ofSeconds(30));
    assertThat(handled).hasSize(20);
    offerOthersForAMinute();
    assertBadIsDeadLettered(2);
  }

  @Test
  void aMessageThatIsExpiredOrUnreadableProvesNothing() {
    rig.start(rig.config().retry(schedule(1)).build(), this::handle);
    down.set(true);
    rig.accept("m0", "k0");
    for (int i = 0; i < 60; i++) {
      rig.engine().accept(rig.delivery("x" + i, "x" + i, unreadable()));
      rig.time().advance(Duration.ofSeconds(2));
    }
    assertThat(rig.deadLetters()).hasSize(60);
    down.set(false);
    rig.time().advance(Duration.ofSeconds(30));
    assertThat(handled).containsExactly("m0");
  }

  @Test
  void anOutageOfAnotherMessageClearsTheSuspect() {
    Set<String> met = new HashSet<>();
    rig.start(
        rig.config().workers(1).retry(schedule(1)).build(),
        delivery -> {
          String id = delivery.message().id();
          down.set(id.equals("x") ? met.size() < 4 : met.add(id));
          return handle(delivery);
        });
    rig.accept("x", "x");
    rig.time().advance(Duration.ofSeconds(10));
    for (int i = 0; i < 4; i++) {
      // Each one has an outage after that of x, so that no success proves anything of x.
      acceptOthers(i, 1);
      rig.time().advance(Duration.ofSeconds(30));
    }
    assertThat(rig.deadLetters()).isEmpty();
    assertThat(handled).containsExactlyInAnyOrder("m0", "m1", "m2", "m3", "x");
    assertThat(attempts).containsOnly(1);
  }

  @Test
  void aKeyThatIsAloneProvesNothingAndHealthNamesIt() {
    rig.start(rig.config().retry(schedule(2)).build(), this::handle);
    rig.accept("bad", "b").accept("behind", "b");
    rig.time().advance(Duration.ofMinutes(2));
    assertThat(rig.deadLetters()).isEmpty();
    assertThat(attempts).containsOnly(1);
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(rig.engine().health().reason())
        .contains("COMMS-TEST-001")
        .contains("bad")
        .contains("times in a row");
  }

  @Test
  void aFailedAttemptOfAnotherMessageIsAProofToo() {
    rig.start(
        rig.config().withoutDeadLetterBreaker().retry(schedule(2)).build(),
        delivery -> {
          if (delivery.message().id().startsWith("m")) {
            throw new IllegalStateException("boom");
          }
          return handle(delivery);
        });
    rig.accept("bad", "b");
    offerOthersForAMinute();
    assertThat(rig.deadLetters()).hasSize(61);
    assertThat(rig.acknowledged()).contains("bad");
  }

  @Test
  void severalSuchMessagesDoNotStopOtherMessages() {
    rig.start(rig.config().retry(schedule(2)).build(), this::handle);
    rig.accept("bad1", "b1").accept("bad2", "b2").accept("bad3", "b3");
    for (int round = 0; round < 5; round++) {
      offerOthersForAMinute();
    }
    assertThat(rig.deadLetters()).hasSize(3);
    assertThat(handled).hasSize(300);
  }

  @Test
  void aMessageWhoseDeadLetterIsNotTakenLetsOthersHaveTheirTurn() {
    rig.start(
        rig.config().workers(1).retry(schedule(1)).build(),
        delivery -> {
          if (delivery.message().id().equals("bad")) {
            throw new IllegalStateException("boom");
          }
          return Settlement.done();
        });
    rig.failPublishes(1_000_000);
    rig.accept("bad", "b");
    acceptOthers(0, 20);
    rig.time().advance(Duration.ofMinutes(1));
    assertThat(rig.acknowledged()).hasSize(20).doesNotContain("bad");
    rig.failPublishes(0);
    rig.time().advance(Duration.ofSeconds(30));
    assertThat(rig.acknowledged()).hasSize(21);
  }

  private Settlement handle(Delivery delivery) {
    String id = delivery.message().id();
    attempts.add(delivery.attempt());
    if (down.get() || id.startsWith("bad")) {
      throw new StoreException(
          "COMMS-TEST-001", FailureKind.TRANSIENT, "the connection has ended", null);
    }
    handled.add(id);
    return Settlement.done();
  }

  private void acceptOthers(int from, int count) {
    for (int i = from; i < from + count; i++) {
      rig.accept("m" + i, "k" + i);
    }
  }

  private int offered = 1_000;

  private void offerOthersForAMinute() {
    for (int second = 0; second < 60; second++) {
      acceptOthers(offered++, 1);
      rig.time().advance(Duration.ofSeconds(1));
    }
  }

  private void assertBadIsDeadLettered(int attempts) {
    assertThat(rig.deadLetters()).hasSize(1);
    assertThat(rig.deadLetters().get(0).headers())
        .containsEntry("commslib-dlq-message-id", "bad")
        .containsEntry("commslib-dlq-reason", "ATTEMPTS_EXHAUSTED")
        .containsEntry("commslib-dlq-attempts", Integer.toString(attempts));
    assertThat(rig.deadLetters().get(0).headers().get("commslib-dlq-last-cause"))
        .contains("COMMS-TEST-001");
  }

  private static WireMessage unreadable() {
    return new WireMessage("x", Map.of(), new byte[0]);
  }

  private static RetrySchedule schedule(int attempts) {
    return RetrySchedule.builder().attemptsAtOnce(attempts).withoutDelays().build();
  }
}
