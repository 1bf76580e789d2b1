package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.WrongSessionException;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
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
 * A message whose attempts end in an outage that it causes itself, for example by losing the
 * connection. Runs on a thread of its own, because an endless loop in virtual time ignores
 * interrupts.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MessageOutagesTest {

  private final EngineFixture fixture = new EngineFixture();
  private final AtomicBoolean down = new AtomicBoolean();
  private final List<String> handled = new ArrayList<>();
  private final List<Integer> attempts = new ArrayList<>();

  @AfterEach
  void ledgerBalances() {
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void aMessageThatCausesOutagesIsDeadLetteredAndTheOthersAreHandled() {
    fixture.start(fixture.config().retry(schedule(3)).build(), this::handle);
    acceptOthers(0, 50);
    fixture.accept("bad", "b").accept("behind", "b");
    int next = 50;
    for (int second = 0; second < 60; second++) {
      acceptOthers(next++, 1);
      fixture.time().advance(Duration.ofSeconds(1));
    }
    assertBadIsDeadLettered(3);
    assertThat(handled).hasSize(111).endsWith("m109").contains("behind");
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
    assertThat(fixture.acknowledged().indexOf("behind"))
        .as("the key keeps its order")
        .isGreaterThan(fixture.acknowledged().indexOf("bad"));
  }

  @Test
  void otherMessagesProbeAfterAFewOutagesOfOne() {
    fixture.start(fixture.config().workers(1).retry(schedule(3)).build(), this::handle);
    fixture.accept("bad", "b");
    acceptOthers(0, 20);
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(handled).hasSize(20);
    assertThat(attempts.size() - handled.size()).isLessThan(10);
  }

  @Test
  void aMessageThatCausesOutagesInTransactionsWithInboxIsDeadLettered() {
    InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
    fixture.start(
        fixture
            .config()
            .transactional(transactions, new SeenMessageInbox(transactions.database(), "duplicate"))
            .retry(schedule(2))
            .build(),
        this::handle);
    fixture.accept("bad", "b").accept("behind", "b");
    offerOthersForAMinute();
    assertBadIsDeadLettered(2);
    assertThat(handled).hasSize(61);
  }

  @Test
  void aMessageThatCausesOutagesInBatchesIsDeadLettered() {
    BatchHandler handler =
        batch -> {
          for (Delivery delivery : batch) {
            handle(delivery);
          }
          return BatchHandler.allDone(batch);
        };
    fixture.start(
        fixture
            .config()
            .batch(BatchBounds.of(10))
            .transactional(InMemoryTransactionRunner.create())
            .retry(schedule(2))
            .build(),
        handler);
    fixture.accept("bad", "b").accept("behind", "b");
    offerOthersForAMinute();
    assertBadIsDeadLettered(2);
    assertThat(fixture.acknowledged()).hasSize(62);
  }

  @Test
  void aMessageThatCausesOutagesIsDeferredIfUnordered() {
    AtomicInteger kept = new AtomicInteger();
    fixture.delays(
        (record, delay) -> {
          kept.incrementAndGet();
          return Optional.of(CompletableFuture.completedFuture(null));
        });
    fixture.start(fixture.config().unordered().retry(schedule(3)).build(), this::handle);
    fixture.accept("bad", "b");
    offerOthersForAMinute();
    assertThat(kept).hasValue(1);
    assertThat(fixture.engine().snapshot().count(Count.DEFERRED)).isEqualTo(1);
    assertThat(handled).hasSize(60);
  }

  @Test
  void anOutageOfAllMessagesConsumesNoAttempt() {
    fixture.start(fixture.config().retry(schedule(1)).build(), this::handle);
    for (int outage = 0; outage < 20; outage++) {
      down.set(true);
      acceptOthers(outage * 10, 10);
      // Of many lengths, so that the outage ends at each position of the probes.
      fixture.time().advance(Duration.ofMillis(100 + 437L * outage));
      down.set(false);
      fixture.time().advance(Duration.ofSeconds(30));
      assertThat(handled).hasSize(10 * (outage + 1));
    }
    assertThat(attempts).containsOnly(1);
    assertThat(fixture.deadLetters()).isEmpty();
  }

  @Test
  void onlyOutagesThatAMessageCausesConsumeItsAttempts() {
    fixture.start(fixture.config().retry(schedule(2)).build(), this::handle);
    down.set(true);
    fixture.accept("bad", "b");
    acceptOthers(0, 10);
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(fixture.deadLetters()).isEmpty();
    assertThat(attempts).containsOnly(1);
    down.set(false);
    acceptOthers(10, 10);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(handled).hasSize(20);
    offerOthersForAMinute();
    assertBadIsDeadLettered(2);
  }

  @Test
  void aMessageThatIsExpiredOrUnreadableProvesNothing() {
    fixture.start(fixture.config().retry(schedule(1)).build(), this::handle);
    down.set(true);
    fixture.accept("m0", "k0");
    for (int i = 0; i < 60; i++) {
      fixture.engine().accept(fixture.delivery("x" + i, "x" + i, unreadable()));
      fixture.time().advance(Duration.ofSeconds(2));
    }
    assertThat(fixture.deadLetters()).hasSize(60);
    down.set(false);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(handled).containsExactly("m0");
  }

  @Test
  void anOutageOfAnotherMessageClearsTheSuspect() {
    Set<String> met = new HashSet<>();
    fixture.start(
        fixture.config().workers(1).retry(schedule(1)).build(),
        delivery -> {
          String id = delivery.message().id();
          down.set(id.equals("x") ? met.size() < 4 : met.add(id));
          return handle(delivery);
        });
    fixture.accept("x", "x");
    fixture.time().advance(Duration.ofSeconds(10));
    for (int i = 0; i < 4; i++) {
      // Each has an outage after that of x, so that no success proves anything about x.
      acceptOthers(i, 1);
      fixture.time().advance(Duration.ofSeconds(30));
    }
    assertThat(fixture.deadLetters()).isEmpty();
    assertThat(handled).containsExactlyInAnyOrder("m0", "m1", "m2", "m3", "x");
    assertThat(attempts).containsOnly(1);
  }

  @Test
  void aMessageWithoutOthersIsNotSuspectedAndHealthNamesIt() {
    fixture.start(fixture.config().retry(schedule(2)).build(), this::handle);
    fixture.accept("bad", "b").accept("behind", "b");
    fixture.time().advance(Duration.ofMinutes(2));
    assertThat(fixture.deadLetters()).isEmpty();
    assertThat(attempts).containsOnly(1);
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(fixture.engine().health().reason())
        .contains("COMMS-TEST-001")
        .contains("bad")
        .contains("times in a row");
  }

  @Test
  void aFailedAttemptOfAnotherMessageIsAlsoAProof() {
    fixture.start(
        fixture.config().withoutDeadLetterBreaker().retry(schedule(2)).build(),
        delivery -> {
          if (delivery.message().id().startsWith("m")) {
            throw new IllegalStateException("boom");
          }
          return handle(delivery);
        });
    fixture.accept("bad", "b");
    offerOthersForAMinute();
    assertThat(fixture.deadLetters()).hasSize(61);
    assertThat(fixture.acknowledged()).contains("bad");
  }

  @Test
  void severalSuchMessagesDoNotStopOtherMessages() {
    fixture.start(fixture.config().retry(schedule(2)).build(), this::handle);
    fixture.accept("bad1", "b1").accept("bad2", "b2").accept("bad3", "b3");
    for (int round = 0; round < 5; round++) {
      offerOthersForAMinute();
    }
    assertThat(fixture.deadLetters()).hasSize(3);
    assertThat(handled).hasSize(300);
  }

  @Test
  void aMessageWhoseDeadLetterFailsLetsOthersProbe() {
    fixture.start(
        fixture.config().workers(1).retry(schedule(1)).build(),
        delivery -> {
          if (delivery.message().id().equals("bad")) {
            throw new IllegalStateException("boom");
          }
          return Settlement.done();
        });
    fixture.failPublishes(1_000_000);
    fixture.accept("bad", "b");
    acceptOthers(0, 20);
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.acknowledged()).hasSize(20).doesNotContain("bad");
    fixture.failPublishes(0);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(fixture.acknowledged()).hasSize(21);
  }

  @Test
  void aWrongSessionConsumesNoAttemptTwentyTimesAlsoWhileOthersSucceed() {
    AtomicInteger left = new AtomicInteger(20);
    fixture.start(fixture.config().retry(schedule(1)).build(), wrongSession("w", left));
    fixture.accept("w", "w").accept("behind", "w");
    offerOthersForAMinute();
    offerOthersForAMinute();
    assertThat(left.get()).isNegative();
    assertThat(fixture.deadLetters()).isEmpty();
    assertThat(attempts).containsOnly(1);
    assertThat(handled).hasSize(122).contains("w", "behind");
  }

  @Test
  void aWrongSessionThatAMessageAlwaysMeetsCountsFromTheTwentyFirstOn() {
    AtomicInteger runs = new AtomicInteger(1_000);
    fixture.start(fixture.config().retry(schedule(3)).build(), wrongSession("bad", runs));
    fixture.accept("bad", "b").accept("behind", "b");
    offerOthersForAMinute();
    offerOthersForAMinute();
    assertThat(1_000 - runs.get()).isEqualTo(20 + 3);
    assertThat(fixture.deadLetters()).hasSize(1);
    assertThat(fixture.deadLetters().get(0).texts())
        .containsEntry("commslib-dlq-message-id", "bad")
        .containsEntry("commslib-dlq-attempts", "3");
    assertThat(handled).hasSize(121).contains("behind");
  }

  @Test
  void aWrongSessionThatAMessageWithoutOthersAlwaysMeetsCountsToo() {
    AtomicInteger runs = new AtomicInteger(1_000);
    fixture.start(fixture.config().retry(schedule(2)).build(), wrongSession("bad", runs));
    fixture.accept("bad", "b");
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(1_000 - runs.get()).isEqualTo(20 + 2);
    assertThat(fixture.deadLetters()).hasSize(1);
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void aWrongSessionInBatchesIsCountedForTheMessageThatAlwaysMeetsIt() {
    AtomicInteger runs = new AtomicInteger(1_000);
    MessageHandler single = wrongSession("bad", runs);
    BatchHandler handler =
        batch -> {
          for (Delivery delivery : batch) {
            single.handle(delivery);
          }
          return BatchHandler.allDone(batch);
        };
    fixture.start(
        fixture
            .config()
            .batch(BatchBounds.of(10))
            .transactional(InMemoryTransactionRunner.create())
            .retry(schedule(2))
            .build(),
        handler);
    fixture.accept("bad", "b").accept("behind", "b");
    for (int round = 0; round < 4; round++) {
      offerOthersForAMinute();
    }
    assertThat(fixture.deadLetters()).hasSize(1);
    assertThat(fixture.acknowledged()).hasSize(242);
  }

  /** A handler that meets a wrong session with one message while the number lasts. */
  private MessageHandler wrongSession(String id, AtomicInteger left) {
    return delivery -> {
      attempts.add(delivery.attempt());
      if (delivery.message().id().equals(id) && left.getAndDecrement() > 0) {
        throw new IllegalStateException(
            "of the handler", new WrongSessionException("COMMS-TEST-002", "wrong session", null));
      }
      handled.add(delivery.message().id());
      return Settlement.done();
    };
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
      fixture.accept("m" + i, "k" + i);
    }
  }

  private int offered = 1_000;

  private void offerOthersForAMinute() {
    for (int second = 0; second < 60; second++) {
      acceptOthers(offered++, 1);
      fixture.time().advance(Duration.ofSeconds(1));
    }
  }

  private void assertBadIsDeadLettered(int attempts) {
    assertThat(fixture.deadLetters()).hasSize(1);
    assertThat(fixture.deadLetters().get(0).texts())
        .containsEntry("commslib-dlq-message-id", "bad")
        .containsEntry("commslib-dlq-reason", "ATTEMPTS_EXHAUSTED")
        .containsEntry("commslib-dlq-attempts", Integer.toString(attempts));
    assertThat(fixture.deadLetters().get(0).texts().get("commslib-dlq-last-cause"))
        .contains("COMMS-TEST-001");
  }

  private static ForeignRecord unreadable() {
    return new ForeignRecord("x", Map.of(), new byte[0]);
  }

  private static RetrySchedule schedule(int attempts) {
    return RetrySchedule.builder().attemptsAtOnce(attempts).withoutDelays().build();
  }
}
