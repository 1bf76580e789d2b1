package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatchHandlingTest {

  private final EngineFixture fixture = new EngineFixture();
  private final List<List<String>> batches = new ArrayList<>();

  @AfterEach
  void ledgerBalances() {
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void takesTheReadyPrefixOfEachKeyAsSoonAsTheBatchIsFull() {
    start(config(4), BatchHandler::allDone);
    fixture.accept("a1", "a").accept("a2", "a").accept("b1", "b");
    fixture.time().runUntilIdle();
    assertThat(batches).as("not full, not old enough").isEmpty();
    fixture.accept("b2", "b").accept("c1", "c");
    fixture.time().runUntilIdle();
    assertThat(batches).containsExactly(List.of("a1", "a2", "b1", "b2"));
    fixture.time().advance(Duration.ofMillis(20));
    assertThat(batches).hasSize(2).last().isEqualTo(List.of("c1"));
    assertThat(fixture.acknowledged()).containsExactly("a1", "a2", "b1", "b2", "c1");
  }

  @Test
  void theAgeOfABatchIsThatOfItsFirstRecord() {
    start(config(500), BatchHandler::allDone);
    for (int i = 0; i < 30; i++) {
      fixture.accept("m" + i, "k" + i);
      fixture.time().advance(Duration.ofMillis(1));
    }
    assertThat(batches).isNotEmpty();
    assertThat(batches.get(0)).hasSize(20);
  }

  @Test
  void bytesFillABatchToo() {
    SubscriptionConfig config =
        fixture.config().batch(new BatchBounds(100, 400, Duration.ofMinutes(1))).build();
    start(config, BatchHandler::allDone);
    for (int i = 0; i < 8; i++) {
      fixture.accept("m" + i, null);
    }
    fixture.time().runUntilIdle();
    assertThat(batches).isNotEmpty();
    assertThat(batches.get(0).size()).isBetween(2, 6);
  }

  @Test
  void allDoneIsOneCommit() {
    InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
    AtomicInteger commits = new AtomicInteger();
    start(
        transactional(transactions, 10),
        batch -> {
          batch.get(0).transaction().afterCommit(commits::incrementAndGet);
          return BatchHandler.allDone(batch);
        });
    for (int i = 0; i < 10; i++) {
      fixture.accept("m" + i, "k" + i % 3);
    }
    fixture.time().runUntilIdle();
    assertThat(batches).hasSize(1);
    assertThat(commits).hasValue(1);
    assertThat(fixture.acknowledged()).hasSize(10);
  }

  @Test
  void aFailedItemRollsTheBatchBackAndThenDelaysOnlyItsKey() {
    InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
    List<String> committed = new ArrayList<>();
    AtomicBoolean broken = new AtomicBoolean(true);
    start(
        transactional(transactions, 5),
        batch -> {
          List<Settlement> outcomes = new ArrayList<>();
          for (Delivery delivery : batch) {
            String id = delivery.message().id();
            delivery.transaction().afterCommit(() -> committed.add(id));
            outcomes.add(id.equals("a2") && broken.get() ? Settlement.retry() : Settlement.done());
          }
          return outcomes;
        });
    fixture
        .accept("a1", "a")
        .accept("a2", "a")
        .accept("a3", "a")
        .accept("b1", "b")
        .accept("b2", "b");
    fixture.time().runUntilIdle();
    assertThat(committed).containsExactlyInAnyOrder("a1", "b1", "b2");
    assertThat(fixture.acknowledged()).containsExactlyInAnyOrder("a1", "b1", "b2");
    broken.set(false);
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(committed.subList(3, 5)).containsExactly("a2", "a3");
    assertThat(fixture.acknowledged()).hasSize(5);
  }

  @Test
  void anExceptionDeadLettersItsMessageAndTheOthersAreHandled() {
    start(
        transactional(InMemoryTransactionRunner.create(), 4),
        batch -> {
          if (batch.stream().anyMatch(delivery -> delivery.message().id().equals("bad"))) {
            throw new IllegalStateException("boom");
          }
          return BatchHandler.allDone(batch);
        });
    fixture.accept("m1", "a").accept("bad", "b").accept("m2", "b").accept("m3", "c");
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.acknowledged()).containsExactlyInAnyOrder("m1", "bad", "m2", "m3");
    assertThat(fixture.deadLetters()).hasSize(1);
    assertThat(fixture.deadLetters().get(0).texts()).containsEntry("commslib-dlq-attempts", "2");
    assertThat(fixture.engine().snapshot().count(Count.DONE)).isEqualTo(3);
  }

  @Test
  void withoutTransactionEachOutcomeCountsButNothingOvertakesInItsKey() {
    AtomicBoolean broken = new AtomicBoolean(true);
    List<String> done = new ArrayList<>();
    start(
        config(5),
        batch -> {
          List<Settlement> outcomes = new ArrayList<>();
          for (Delivery delivery : batch) {
            String id = delivery.message().id();
            boolean fails = id.equals("a1") && broken.get();
            outcomes.add(
                fails ? Settlement.retry(Duration.ofSeconds(1)) : Settlement.drop("not needed"));
          }
          return outcomes;
        });
    fixture
        .accept("a1", "a")
        .accept("a2", "a")
        .accept("b1", "b")
        .accept("b2", "b")
        .accept("c", "c");
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).containsExactlyInAnyOrder("b1", "b2", "c");
    broken.set(false);
    fixture.time().advance(Duration.ofSeconds(5));
    done.addAll(fixture.acknowledged().subList(3, 5));
    assertThat(done).containsExactly("a1", "a2");
    assertThat(fixture.engine().snapshot().count(Count.DROPPED)).isEqualTo(5);
  }

  @Test
  void anUndecodableRecordNeitherReachesTheHandlerNorDelaysTheOthers() {
    start(config(3), BatchHandler::allDone);
    fixture.accept("a1", "a");
    fixture
        .engine()
        .accept(fixture.delivery("x", "a", new ForeignRecord("a", Map.of(), new byte[0])));
    fixture.accept("a2", "a");
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(batches).containsExactly(List.of("a1"), List.of("a2"));
    assertThat(fixture.acknowledged()).containsExactly("a1", "x", "a2");
    assertThat(fixture.deadLetters()).hasSize(1);
  }

  @Test
  void anOutagePausesTheRouteAndCountsNoAttempt() {
    AtomicBoolean down = new AtomicBoolean(true);
    List<Integer> attempts = new ArrayList<>();
    start(
        transactional(InMemoryTransactionRunner.create(), 3),
        batch -> {
          if (down.get()) {
            throw new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "down", null);
          }
          batch.forEach(delivery -> attempts.add(delivery.attempt()));
          return BatchHandler.allDone(batch);
        });
    fixture.accept("m1", "a").accept("m2", "a").accept("m3", "b");
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
    down.set(false);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(fixture.acknowledged()).hasSize(3);
    assertThat(attempts).containsExactly(1, 1, 1);
  }

  @Test
  void wrongNumbersOfOutcomesAreFailures() {
    start(config(2), batch -> List.of());
    fixture.accept("m1", "a").accept("m2", "b");
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.deadLetters()).hasSize(2);
  }

  @Test
  void theRecordsOfALostScopeAreNotSettledWithTheirBatch() {
    Object lost = new Object();
    start(
        transactional(InMemoryTransactionRunner.create(), 2),
        batch -> {
          if (batch.size() == 2) {
            fixture.engine().stopScope(lost);
            throw new IllegalStateException("boom");
          }
          return BatchHandler.allDone(batch);
        });
    fixture.engine().accept(fixture.delivery("m1", "a", EngineFixture.wire("m1", "a"), lost));
    fixture.accept("m2", "b");
    fixture.time().advance(Duration.ofSeconds(5));
    fixture.engine().revoke(lost);
    assertThat(fixture.acknowledged()).containsExactly("m2");
    assertThat(batches).hasSize(2);
  }

  @Test
  void aSubscriptionWithBatchesNeedsABatchHandler() {
    start(config(2), BatchHandler::allDone);
    assertThatThrownBy(() -> DeliveryEngine.builder(config(2), delivery -> Settlement.done()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("BatchHandler");
  }

  private SubscriptionConfig config(int items) {
    return fixture.config().batch(BatchBounds.of(items)).retry(twice()).build();
  }

  private SubscriptionConfig transactional(InMemoryTransactionRunner transactions, int items) {
    return config(items).toBuilder().transactional(transactions).build();
  }

  private static RetrySchedule twice() {
    return RetrySchedule.builder().attemptsAtOnce(2).withoutDelays().build();
  }

  private void start(SubscriptionConfig config, BatchHandler handler) {
    BatchHandler recording =
        batch -> {
          batches.add(batch.stream().map(delivery -> delivery.message().id()).toList());
          return handler.handleAll(batch);
        };
    fixture.start(config, recording);
  }
}
