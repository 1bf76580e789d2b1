package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.Outbox;
import io.commslib.saga.TestSaga.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the engine and its store must do; run on each database. */
public abstract class SagaEngineContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private record Sent(Destination to, Message message) {}

  private final TypeRegistry types = TestSaga.types();
  private final SystemRuntime runtime = SystemRuntime.create();
  private final List<Sent> sent = new ArrayList<>();
  private final List<String> ended = new ArrayList<>();
  private final List<SagaEngine> engines = new ArrayList<>();
  private JdbcDatabase database;
  private JdbcTransactionRunner transactions;
  private SagaDefinition<State> definition;
  private SagaEngine engine;

  /** Returns the database under test; each test uses a schema of its own in it. */
  protected abstract DataSource dataSource();

  @BeforeEach
  void start() {
    database =
        JdbcDatabase.builder(dataSource()).schema("saga_" + SCHEMAS.incrementAndGet()).build();
    SagaSchema.scripts().apply(database);
    transactions = JdbcTransactionRunner.create(database);
    definition =
        TestSaga.definition(
            (s, tx) -> ended.add("completed " + s.order()),
            (s, tx) -> ended.add("compensated " + s.order()));
    engine = engine(definition);
  }

  private SagaEngine engine(SagaDefinition<State> of) {
    SagaEngine made =
        SagaEngine.builder(database, types, JacksonCodec.create())
            .outbox(new CapturingOutbox())
            .define(of)
            .config(SagaConfig.builder().pollInterval(Duration.ofMillis(20)).build())
            .runtime(runtime)
            .build();
    engines.add(made);
    return made;
  }

  @AfterEach
  void close() {
    engines.forEach(SagaEngine::close);
    engines.forEach(each -> each.drain(Duration.ofSeconds(5)));
    runtime.close();
  }

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
        .containsExactly(
            "sent hold 1",
            "done hold 1",
            "sent pay 1",
            "done pay 1",
            "sent send 1",
            "done send 1",
            "completed send 1");
  }

  @Test
  void startingTwiceReturnsTheSameSaga() {
    String id = begin("o-1");
    assertThat(begin("o-1")).isEqualTo(id);
    assertThat(sent).hasSize(1);
  }

  @Test
  void nothingRemainsOfAStartThatRolledBack() {
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
  void duplicateAnswersChangeNothing() throws Exception {
    begin("o-1");
    Sent hold = last();
    answer(hold, new TestSaga.Held("o-1"));
    answer(hold, new TestSaga.Held("o-1"));
    answer(hold, new TestSaga.NotHeld("o-1"));
    assertThat(sent).hasSize(2);
    assertThat(engine.find("order", "o-1").orElseThrow().step()).isEqualTo("pay");
  }

  @Test
  void answersToNobodyGoToTheDeadLetters() throws Exception {
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
    assertThat(handle(wrong).toString()).isEqualTo("DEAD_LETTER (NO_SAGA_STEP)");
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
    await("parked, since nobody answers", () -> status("o-1") == SagaStatus.PARKED);
    String id = engine.find("order", "o-1").orElseThrow().id();
    assertThat(engine.retry(id, "ann", "participant is back")).isTrue();
    assertThat(status("o-1")).isEqualTo(SagaStatus.COMPENSATING);
    assertThat(engine.timeline(id)).contains("resumed hold 0 by ann: participant is back");
    assertThat(engine.retry("nobody", "ann", "")).isFalse();
  }

  @Test
  void anotherEngineGoesOnWhereADeadOneStopped() throws Exception {
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
  void ofManyAnswersAtOnceEachTakesEffectOnce() throws Exception {
    begin("o-1");
    Sent hold = last();
    int callers = 8;
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
                  ended.add(e.toString());
                } finally {
                  done.countDown();
                }
              })
          .start();
    }
    go.countDown();
    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(commands()).containsExactly("hold", "pay");
  }

  @Test
  void refusesAChangedStructureUnderAnOldNumber() {
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
        .hasMessageContaining("COMMS-SAGA-003");
  }

  @Test
  void liveSagasOfADefinitionNobodyHasShowInHealth() {
    begin("o-1");
    SagaDefinition<State> other =
        SagaDefinition.builder("refund", 1, State.class)
            .key(State::order)
            .step("other")
            .command(TestSaga.STOCK, s -> new TestSaga.Hold(s.order()))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .build();
    SagaEngine stranger = engine(other);
    stranger.start();
    await(
        "reported",
        () ->
            stranger.health().status() == Health.Status.DOWN
                && stranger.health().reason().contains("order v1"));
  }

  private String begin(String order) {
    return transactions.run(tx -> engine.start(tx, definition, order, new State(order, "")));
  }

  private Sent last() {
    synchronized (sent) {
      return sent.get(sent.size() - 1);
    }
  }

  private List<String> commands() {
    synchronized (sent) {
      return sent.stream().map(each -> each.message().type()).toList();
    }
  }

  private SagaStatus status(String order) {
    return engine.find("order", order).orElseThrow().status();
  }

  private void answer(Sent command, Object answer) throws Exception {
    Message reply =
        types
            .message(answer)
            .correlationId(command.message().correlationId().orElseThrow())
            .causationId(command.message().id())
            .build();
    assertThat(handle(reply).kind()).isEqualTo(Settlement.Kind.DONE);
  }

  private Settlement handle(Message reply) throws Exception {
    return transactions.<Settlement, Exception>run(
        tx -> engine.replies().handle(new TestDelivery(reply, tx)));
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within 20 s: " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  /** Keeps what commits. */
  private final class CapturingOutbox implements Outbox {
    @Override
    public void publish(TransactionContext tx, Destination to, Message message) {
      tx.afterCommit(
          () -> {
            synchronized (sent) {
              sent.add(new Sent(to, message));
            }
          });
    }

    @Override
    public void publishAll(TransactionContext tx, Destination to, List<Message> messages) {
      messages.forEach(message -> publish(tx, to, message));
    }

    @Override
    public void wake() {}

    @Override
    public DatabaseId database() {
      return database.id();
    }
  }

  private record TestDelivery(Message message, TransactionContext transaction) implements Delivery {
    @Override
    public Destination destination() {
      return Destination.queue("replies");
    }

    @Override
    public String group() {
      return "main";
    }

    @Override
    public int attempt() {
      return 1;
    }

    @Override
    public int redriveCount() {
      return 0;
    }

    @Override
    public Duration remaining() {
      return Duration.ofSeconds(1);
    }
  }
}
