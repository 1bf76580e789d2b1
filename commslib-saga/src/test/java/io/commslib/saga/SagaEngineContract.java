package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.saga.TestSaga.State;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Contract of the engine and its store, run on each database. */
public abstract class SagaEngineContract extends SagaEngineFixture {

  @Test
  void runsToItsEndWithOneCommandPerStep() throws Exception {
    String id = begin("o-1");
    assertThat(last().to()).isEqualTo(TestSaga.STOCK);
    assertThat(last().message().correlationId()).contains(id);
    assertThat(last().message().key()).contains("o-1");
    answer(last(), new TestSaga.Held("o-1"));
    answer(last(), new TestSaga.Paid("o-1"));
    answer(last(), new TestSaga.Sent("o-1"));
    assertThat(ended).containsExactly("completed o-1");
    SagaSnapshot snapshot = engine.find("order", "o-1").orElseThrow();
    assertThat(snapshot.status()).isEqualTo(SagaStatus.COMPLETED);
    assertThat(snapshot.wakeAt()).isEmpty();
    assertThat(engine.timeline(id))
        .extracting(line -> line.kind() + " " + line.step() + " " + line.attempt())
        .containsExactly(
            "STARTED  0",
            "SENT hold 1",
            "SUCCEEDED hold 0",
            "SENT pay 1",
            "SUCCEEDED pay 0",
            "SENT send 1",
            "SUCCEEDED send 0",
            "COMPLETED  0");
  }

  @Test
  void startingTwiceReturnsTheSameSaga() {
    String id = begin("o-1");
    assertThat(begin("o-1")).isEqualTo(id);
    assertThat(sent).hasSize(1);
  }

  @Test
  void aRolledBackStartLeavesNothing() {
    transactions.run(
        tx -> {
          engine.start(tx, definition, "o-1", new State("o-1", ""));
          tx.setRollbackOnly();
          return null;
        });
    assertThat(engine.find("order", "o-1")).isEmpty();
    assertThat(sent).isEmpty();
  }

  @Test
  void undoesInReverseWhenAStepIsRefused() throws Exception {
    begin("o-1");
    answer(last(), new TestSaga.Held("o-1"));
    answer(last(), new TestSaga.Declined("o-1"));
    assertThat(types.decode(last().message())).isEqualTo(new TestSaga.Unhold("o-1"));
    answer(last(), new TestSaga.Unheld("o-1"));
    assertThat(ended).containsExactly("compensated o-1");
    assertThat(engine.list(SagaStatus.COMPENSATED, 10)).hasSize(1);
  }

  @Test
  void aListHasAtMostItsLimitWithTheLeastRecentlyChangedFirst() {
    for (String key : List.of("o-1", "o-2", "o-3")) {
      begin(key);
    }
    assertThat(engine.list(SagaStatus.RUNNING, 1))
        .extracting(SagaSnapshot::businessKey)
        .containsExactly("o-1");
    assertThat(engine.list(SagaStatus.RUNNING, 2)).hasSize(2);
    assertThat(engine.list(SagaStatus.RUNNING, 10)).hasSize(3);
  }

  @Test
  void duplicateRepliesChangeNothing() throws Exception {
    begin("o-1");
    Sent hold = last();
    answer(hold, new TestSaga.Held("o-1"));
    answer(hold, new TestSaga.Held("o-1"));
    answer(hold, new TestSaga.NotHeld("o-1"));
    assertThat(sent).hasSize(2);
    assertThat(engine.find("order", "o-1").orElseThrow().step()).isEqualTo("pay");
  }

  @Test
  void deadLettersRepliesWithoutSagaOrCommand() throws Exception {
    Message stray =
        types
            .message(new TestSaga.Held("x"))
            .correlationId("no-such-saga")
            .causationId("c")
            .build();
    assertThat(handle(stray).toString()).isEqualTo("DEAD_LETTER (NO_SAGA)");
    String id = begin("o-1");
    Message wrong =
        types.message(new TestSaga.Held("x")).correlationId(id).causationId("c").build();
    assertThat(handle(wrong).toString())
        .isEqualTo("DEAD_LETTER (UNEXPECTED_REPLY: answers no command of this saga)");
  }

  @Test
  void sendsTheSameCommandAgainAfterATimeoutThenUndoes() {
    engine.start();
    begin("o-1");
    await(
        "hold sent again, then undone",
        () -> commands().equals(List.of("hold", "hold", "unhold", "unhold")));
    assertThat(sent.get(1).message().id()).isEqualTo(sent.get(0).message().id());
    assertThat(sent.get(2).message().id()).isNotEqualTo(sent.get(0).message().id());
    await("parked, since no participant answers", () -> status("o-1") == SagaStatus.PARKED);
    String id = engine.find("order", "o-1").orElseThrow().id();
    assertThat(engine.retry(id, "ann", "participant is back")).isTrue();
    assertThat(status("o-1")).isEqualTo(SagaStatus.COMPENSATING);
    assertThat(engine.timeline(id))
        .anyMatch(
            line ->
                line.kind() == SagaLogEntry.Kind.RETRIED
                    && line.actor().equals("ann")
                    && line.detail().equals("participant is back"));
    assertThat(engine.retry(id, "ann", "again")).isFalse();
    assertThat(engine.retry("no-such-saga", "ann", "")).isFalse();
  }

  @Test
  void anotherEngineContinuesWhereADeadOneStopped() throws Exception {
    begin("o-1");
    answer(last(), new TestSaga.Held("o-1"));
    SagaEngine successor = engine(definition);
    successor.start();
    await("pay sent again", () -> commands().equals(List.of("hold", "pay", "pay")));
    engine = successor;
    answer(last(), new TestSaga.Paid("o-1"));
    assertThat(successor.find("order", "o-1").orElseThrow().step()).isEqualTo("send");
  }

  @Test
  void aReplyHandledManyTimesSimultaneouslyTakesEffectOnce() throws Exception {
    begin("o-1");
    Sent hold = last();
    int callers = 8;
    List<Exception> failures = new CopyOnWriteArrayList<>();
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(callers);
    for (int i = 0; i < callers; i++) {
      runtime
          .newThread(
              "test-" + i,
              () -> {
                try {
                  go.await();
                  answer(hold, new TestSaga.Held("o-1"));
                } catch (Exception e) {
                  failures.add(e);
                } finally {
                  done.countDown();
                }
              })
          .start();
    }
    go.countDown();
    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(failures).isEmpty();
    assertThat(commands()).containsExactly("hold", "pay");
  }

  @Test
  void refusesAChangedStructureUnderAnOldVersion() {
    engine.start();
    SagaDefinition<State> changed =
        SagaDefinition.builder("order", 1, State.class)
            .key(State::order)
            .step("other")
            .command(TestSaga.STOCK, s -> new TestSaga.Hold(s.order()))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .build();
    assertThatThrownBy(() -> engine(changed).start())
        .isInstanceOf(SagaException.class)
        .hasMessageMatching(
            "COMMS-SAGA-003: saga order.*: structure \\[other PIVOT queue:stock] \\(expected: \\[hold"
                + " COMPENSATABLE queue:stock undo queue:stock; .*] as stored, or a new"
                + " version\\)");
  }

  @Test
  void acceptsOtherTimeoutsUnderAnOldVersion() {
    engine.start();
    SagaDefinition<State> patient =
        TestSaga.definition(Duration.ofMinutes(5), (s, tx) -> ended.add(s.order()), (s, tx) -> {});
    SagaEngine other = engine(patient);
    other.start();
    assertThat(other.health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void namesTheCommandThatACompensationUndoes() throws Exception {
    begin("o-1");
    Sent hold = last();
    answer(hold, new TestSaga.Held("o-1"));
    answer(last(), new TestSaga.Declined("o-1"));
    assertThat(last().message().causationId()).contains(hold.message().id());
    assertThat(last().message().id()).isNotEqualTo(hold.message().id());
  }

  @Test
  void passesOnTheTraceOfAReply() throws Exception {
    String id = begin("o-1");
    String trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    handle(
        types
            .message(new TestSaga.Held("o-1"))
            .correlationId(id)
            .causationId(last().message().id())
            .traceparent(trace)
            .build());
    assertThat(last().message().traceparent()).contains(trace);
  }

  @Test
  void rollsTheEndBackWhenAHookFails() throws Exception {
    hookFailure = new java.io.IOException("order table");
    begin("o-1");
    answer(last(), new TestSaga.Held("o-1"));
    answer(last(), new TestSaga.Paid("o-1"));
    Sent send = last();
    assertThatThrownBy(() -> answer(send, new TestSaga.Sent("o-1"))).isSameAs(hookFailure);
    assertThat(status("o-1")).isEqualTo(SagaStatus.RUNNING);
    hookFailure = null;
    answer(send, new TestSaga.Sent("o-1"));
    assertThat(ended).containsExactly("completed o-1");
  }

  @Test
  void throwsWhatAFunctionOfTheDefinitionThrows() throws Exception {
    begin("broken");
    Sent hold = last();
    answer(hold, new TestSaga.Held("broken"));
    Sent pay = last();
    assertThatThrownBy(() -> answer(pay, new TestSaga.Paid("poison")))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("poison");
    assertThat(engine.find("order", "broken").orElseThrow().step()).isEqualTo("pay");
  }

  @Test
  void parksASagaWhoseDefinitionFailsOnTheTimerAndWakesOthers() {
    begin("unhold-fails");
    begin("o-1");
    engine.start();
    await("parked", () -> status("unhold-fails") == SagaStatus.PARKED);
    await("the other is undone", () -> commands().contains("unhold"));
    String id = engine.find("order", "unhold-fails").orElseThrow().id();
    List<SagaLogEntry> lines = engine.timeline(id);
    assertThat(lines.get(lines.size() - 1).detail())
        .isEqualTo("definition failed: java.lang.IllegalStateException");
    await("reported", () -> engine.health().reason().contains("parked"));
  }

  @Test
  void wakesSagasBehindManyOfUnknownDefinitions() {
    SagaDefinition<State> unknown =
        SagaDefinition.builder("legacy", 1, State.class)
            .step("other")
            .command(TestSaga.STOCK, s -> new TestSaga.Hold(s.order()))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .timeout(Duration.ofMillis(10))
            .build();
    SagaEngine old = engine(unknown);
    transactions.run(
        tx -> {
          for (int i = 0; i < 30; i++) {
            old.start(tx, unknown, "l-" + i, new State("l-" + i, ""));
          }
          return null;
        });
    begin("o-1");
    engine.start();
    await("hold sent again", () -> commands().stream().filter("hold"::equals).count() == 32);
    await("health names them", () -> engine.health().reason().contains("legacy v1"));
    assertThat(Integer.parseInt(engine.health().details().get("overdue"))).isGreaterThan(29);
  }

  @Test
  void takesOverTheClaimsOfADeadProcess() throws Exception {
    begin("o-1");
    SagaStore store = new SagaStore(database);
    await("claimed by a dead process", () -> claim(store, Duration.ofMillis(1_500)).size() == 1);
    assertThat(claim(store, Duration.ofSeconds(1))).isEmpty();
    engine.start();
    await("hold sent again", () -> commands().equals(List.of("hold", "hold")));
  }

  @Test
  void rejectsWritesOfAnOlderClaim() throws Exception {
    String id = begin("o-1");
    SagaStore store = new SagaStore(database);
    StoredSaga before = inTransaction(connection -> store.load(connection, id)).orElseThrow();
    await("claimed", () -> claim(store, Duration.ofMillis(1)).size() == 1);
    Instance<State> next = before.instance(definition, new State("stale", ""));
    boolean written =
        inTransaction(
            connection -> store.update(connection, before, definition, next, new byte[] {1}));
    assertThat(written).isFalse();
    assertThat(engine.find("order", "o-1").orElseThrow().status()).isEqualTo(SagaStatus.RUNNING);
  }

  @Test
  void refusesRowsThatWouldNeverWake() {
    begin("o-1");
    for (String change : List.of("wake_at = NULL", "status = 'COMPLETED'", "status = 'PARKED'")) {
      assertThatThrownBy(
              () ->
                  inTransaction(
                      connection -> {
                        try (Statement update = connection.createStatement()) {
                          return update.executeUpdate(
                              "UPDATE " + database.table("saga") + " SET " + change);
                        }
                      }))
          .as(change)
          .isInstanceOf(SQLException.class);
    }
  }

  @Test
  void undoesACancelledSaga() throws Exception {
    String id = begin("o-1");
    answer(last(), new TestSaga.Held("o-1"));
    assertThat(engine.cancel(id, "ann", "customer called")).isTrue();
    assertThat(commands()).containsExactly("hold", "pay", "unpay");
    assertThat(engine.cancel(id, "ann", "twice")).isFalse();
    answer(last(), new TestSaga.Unpaid("o-1"));
    answer(last(), new TestSaga.Unheld("o-1"));
    assertThat(ended).containsExactly("compensated o-1");
  }

  @Test
  void continuesAfterAStepResolvedByHand() {
    engine.start();
    String id = begin("o-1");
    await("parked", () -> status("o-1") == SagaStatus.PARKED);
    assertThat(engine.resolve(id, "ann", "stock counted by hand")).isTrue();
    assertThat(status("o-1")).isEqualTo(SagaStatus.COMPENSATED);
    assertThat(ended).containsExactly("compensated o-1");
  }

  @Test
  void refusesToOperateWithoutAnActor() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> engine.retry("x", "", "r"))
        .withMessage("actor length: 0 (expected: 1..100)");
  }

  @Test
  void refusesATransactionOfAnotherDatabase() {
    JdbcDatabase other = JdbcDatabase.builder(new OtherDataSource(dataSource())).build();
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                JdbcTransactionRunner.create(other)
                    .run(tx -> engine.start(tx, definition, "o-1", new State("o-1", ""))))
        .withMessageStartingWith("transaction: ");
  }

  @Test
  void refusesADefinitionOfAnotherEngine() {
    SagaDefinition<State> copy = TestSaga.definition((s, tx) -> {}, (s, tx) -> {});
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> transactions.run(tx -> engine.start(tx, copy, "o-1", new State("o-1", ""))))
        .withMessage(
            "definition: order v1, another instance (expected: the instance added to this engine's"
                + " builder, which has [order v1])");
  }

  @Test
  void oneOfManySimultaneousStartsTakesEffect() throws Exception {
    int callers = 8;
    List<String> ids = new CopyOnWriteArrayList<>();
    CountDownLatch done = new CountDownLatch(callers);
    for (int i = 0; i < callers; i++) {
      runtime
          .newThread(
              "test-start-" + i,
              () -> {
                try {
                  ids.add(begin("o-1"));
                } finally {
                  done.countDown();
                }
              })
          .start();
    }
    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(ids).hasSize(callers);
    assertThat(Set.copyOf(ids)).hasSize(1);
    assertThat(commands()).containsExactly("hold");
  }

  @Test
  void retriesAReplyOfADefinitionAnotherProcessKnows() throws Exception {
    String id = begin("o-1");
    SagaDefinition<State> newer =
        SagaDefinition.builder("order", 2, State.class)
            .step("other")
            .command(TestSaga.STOCK, s -> new TestSaga.Hold(s.order()))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .build();
    String hold = last().message().id();
    engine = engine(newer);
    Message reply =
        types.message(new TestSaga.Held("o-1")).correlationId(id).causationId(hold).build();
    assertThat(handle(reply).kind()).isEqualTo(Settlement.Kind.RETRY);
    assertThatThrownBy(() -> engine.retry(id, "ann", "r"))
        .isInstanceOf(SagaException.class)
        .hasMessage(
            "COMMS-SAGA-002: saga %s: order v1 (expected: one of [order v2])".formatted(id));
  }

  @Test
  void repeatedWriteConflictsAreReportedAsContention() {
    SagaDefinition<State> raced =
        SagaDefinition.builder("order", 1, State.class)
            .key(State::order)
            .step("hold")
            .command(TestSaga.STOCK, s -> new TestSaga.Hold(s.order()))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .compensate(TestSaga.STOCK, this::changeConcurrently)
            .compensatedBy(TestSaga.Unheld.class)
            .build();
    engine = engine(raced);
    String id = transactions.run(tx -> engine.start(tx, raced, "o-1", new State("o-1", "")));
    assertThatThrownBy(() -> engine.cancel(id, "ann", "r"))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION))
        .hasMessage("COMMS-SAGA-001: saga " + id + ": another transaction changes it");
  }

  private TestSaga.Unhold changeConcurrently(State state) {
    try (Connection other = dataSource().getConnection();
        Statement change = other.createStatement()) {
      change.executeUpdate("UPDATE " + database.table("saga") + " SET version = version + 1");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return new TestSaga.Unhold(state.order());
  }

  @Test
  void anOperatorIsShownTheClassThatAFunctionThrew() {
    String id = begin("unhold-fails");
    assertThatThrownBy(() -> engine.cancel(id, "ann", "r"))
        .isInstanceOfSatisfying(
            SagaException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT))
        .hasMessage(
            "COMMS-SAGA-004: saga "
                + id
                + ": a function or hook of its definition threw java.lang.IllegalStateException")
        .hasRootCauseMessage("unhold-fails");
  }

  @Test
  void deadLettersAReplyOfAWrongClass() throws Exception {
    String id = begin("o-1");
    Message reply =
        types
            .message(new TestSaga.Paid("o-1"))
            .correlationId(id)
            .causationId(last().message().id())
            .build();
    assertThat(handle(reply).reason()).isEqualTo("UNEXPECTED_REPLY: Paid is no reply of step hold");
  }

  @Test
  void purgesEndedSagasOnlyAfterTheirRetention() throws Exception {
    String ended = begin("o-1");
    answer(last(), new TestSaga.NotHeld("o-1"));
    begin("o-2");
    assertThat(engine.purge()).isZero();
    inTransaction(
        connection -> {
          try (Statement update = connection.createStatement()) {
            return update.executeUpdate(
                "UPDATE " + database.table("saga") + " SET updated_at = '2020-01-01 00:00:00+00'");
          }
        });
    assertThat(engine.purge()).isEqualTo(1);
    assertThat(engine.find("order", "o-1")).isEmpty();
    assertThat(engine.timeline(ended)).isEmpty();
    assertThat(engine.find("order", "o-2")).isPresent();
  }

  @Test
  void isDownBeforeStartAndAfterClose() {
    assertThat(engine.health().status()).isEqualTo(Health.Status.DOWN);
    engine.start();
    await("up", () -> engine.health().status() == Health.Status.UP);
    assertThat(engine.drain(Duration.ofSeconds(10))).isTrue();
    engine.close();
    engine.close();
    assertThat(engine.health().status()).isEqualTo(Health.Status.DOWN);
  }

  @Test
  void refusesToStartWithoutItsTables() {
    JdbcDatabase empty =
        JdbcDatabase.builder(dataSource()).schema("none_" + SCHEMAS.incrementAndGet()).build();
    database = empty;
    SagaEngine without = engine(definition);
    assertThatThrownBy(without::start).hasMessageContaining("COMMS-JDBC-010");
  }

  @Test
  void healthShowsOverdueSagasOfUnknownDefinitions() {
    begin("o-1");
    SagaDefinition<State> other =
        SagaDefinition.builder("refund", 1, State.class)
            .key(State::order)
            .step("other")
            .command(TestSaga.STOCK, s -> new TestSaga.Hold(s.order()))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .build();
    SagaEngine otherEngine = engine(other);
    otherEngine.start();
    await(
        "reported",
        () ->
            otherEngine.health().status() == Health.Status.DEGRADED
                && otherEngine.health().reason().contains("order v1"));
  }
}
