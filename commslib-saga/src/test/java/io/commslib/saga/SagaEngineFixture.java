package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.Outbox;
import io.commslib.saga.TestSaga.State;
import io.commslib.testkit.Await;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * An engine on a schema of its own, with an outbox that records commits, and helpers for replies.
 */
abstract class SagaEngineFixture {

  static final AtomicInteger SCHEMAS = new AtomicInteger();

  record Sent(Destination to, Message message) {}

  final TypeRegistry types = TestSaga.types();
  final SystemRuntime runtime = SystemRuntime.create();
  final List<Sent> sent = new ArrayList<>();
  final List<String> ended = new CopyOnWriteArrayList<>();
  private final List<SagaEngine> engines = new ArrayList<>();
  volatile @Nullable Exception hookFailure;
  JdbcDatabase database;
  JdbcTransactionRunner transactions;
  SagaDefinition<State> definition;
  SagaEngine engine;

  /** {@return the database under test, in which each test uses a schema of its own} */
  protected abstract DataSource dataSource();

  @BeforeEach
  void start() {
    database =
        JdbcDatabase.builder(dataSource()).schema("saga_" + SCHEMAS.incrementAndGet()).build();
    SagaSchema.scripts().apply(database);
    transactions = JdbcTransactionRunner.create(database);
    definition =
        TestSaga.definition(
            (s, tx) -> {
              if (hookFailure != null) {
                throw hookFailure;
              }
              ended.add("completed " + s.order());
            },
            (s, tx) -> ended.add("compensated " + s.order()));
    engine = engine(definition);
  }

  SagaEngine engine(SagaDefinition<State> definition) {
    return engine(definition, CommsObserver.logging(), Duration.ofSeconds(1));
  }

  SagaEngine engine(SagaDefinition<State> definition, CommsObserver observer, Duration lease) {
    SagaEngine built =
        SagaEngine.builder(database, types, JacksonCodec.create())
            .outbox(new CapturingOutbox())
            .define(definition)
            .config(
                SagaConfig.builder()
                    .pollInterval(Duration.ofMillis(20))
                    .batchSize(10)
                    .lease(lease)
                    .build())
            .observer(observer)
            .runtime(runtime)
            .build();
    engines.add(built);
    return built;
  }

  @AfterEach
  void close() {
    engines.forEach(SagaEngine::close);
    engines.forEach(each -> each.drain(Duration.ofSeconds(5)));
    runtime.close();
  }

  String begin(String order) {
    return transactions.run(tx -> engine.start(tx, definition, order, new State(order, "")));
  }

  interface SqlWork<T> {
    T run(Connection connection) throws SQLException;
  }

  <T> T inTransaction(SqlWork<T> work) throws SQLException {
    return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
  }

  List<SagaStore.Claimed> claim(SagaStore store, Duration lease) {
    try {
      return inTransaction(
          connection -> store.claim(connection, List.of(definition), 10, "dead", lease));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  Sent last() {
    synchronized (sent) {
      return sent.get(sent.size() - 1);
    }
  }

  List<String> commands() {
    synchronized (sent) {
      return sent.stream().map(each -> each.message().type()).toList();
    }
  }

  SagaStatus status(String order) {
    return engine.find("order", order).orElseThrow().status();
  }

  void answer(Sent command, Object answer) throws Exception {
    Message reply =
        types
            .message(answer)
            .correlationId(command.message().correlationId().orElseThrow())
            .causationId(command.message().id())
            .build();
    assertThat(handle(reply).kind()).isEqualTo(Settlement.Kind.DONE);
  }

  Settlement handle(Message reply) throws Exception {
    return transactions.<Settlement, Exception>run(
        tx -> engine.replies().handle(new TestDelivery(reply, tx)));
  }

  static void await(String what, BooleanSupplier condition) {
    Await.until(what, Duration.ofSeconds(20), condition);
  }

  /** The same database under another identity. */
  static final class OtherDataSource extends com.zaxxer.hikari.HikariDataSource {
    private final DataSource real;

    OtherDataSource(DataSource real) {
      this.real = real;
    }

    @Override
    public Connection getConnection() throws SQLException {
      return real.getConnection();
    }
  }

  /** Records the messages of committed transactions. */
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
    public ForeignRecord record() {
      return ForeignRecord.builder().body(message.body()).build();
    }

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
