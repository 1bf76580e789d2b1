package io.commslib.saga;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxRelay;
import io.commslib.outbox.OutboxSchema;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.CrashPoints;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;

/**
 * A process with saga engine, participants, outbox and a broker that loses everything when the
 * process dies. Starts trips unless they are started, and ends when all of them have ended and no
 * message is in flight, since a late success reopens an ended saga. Dies at the crash point that
 * its system property names.
 */
final class TripService {

  private final JdbcDatabase database;
  private final JdbcTransactionRunner transactions;
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();

  private TripService(DataSource dataSource) {
    database = JdbcDatabase.builder(dataSource).build();
    transactions = JdbcTransactionRunner.create(database);
  }

  /**
   * @param args database URL, user, password, number of trips
   */
  public static void main(String[] args) throws Exception {
    HikariDataSource pool = new HikariDataSource();
    pool.setJdbcUrl(args[0]);
    pool.setUsername(args[1]);
    pool.setPassword(args[2]);
    new TripService(CrashPoints.fromProperty().around(pool)).run(Integer.parseInt(args[3]));
    pool.close();
  }

  private void run(int trips) throws SQLException {
    OutboxSchema.scripts().apply(database);
    SagaSchema.scripts().apply(database);
    createTables();
    SystemRuntime runtime = SystemRuntime.create();
    MessageTransport transport = InMemoryTransport.create();
    List<Destination> queues =
        List.of(TripState.CARS, TripState.BANK, TripState.AIRLINE, TripParticipant.REPLIES);
    queues.forEach(queue -> transport.declare(DestinationConfig.builder(queue).build()));
    JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
    SagaDefinition<TripState> definition =
        TripState.saga(Duration.ofMillis(400), 3, 1_000)
            .onCompleted((trip, tx) -> end(tx, trip, SagaStatus.COMPLETED))
            .onCompensated((trip, tx) -> end(tx, trip, SagaStatus.COMPENSATED))
            .build();
    SagaEngine engine =
        SagaEngine.builder(database, TripState.types(), JacksonCodec.create())
            .outbox(outbox)
            .define(definition)
            .config(
                SagaConfig.builder()
                    .pollInterval(Duration.ofMillis(50))
                    .lease(Duration.ofSeconds(1))
                    .build())
            .runtime(runtime)
            .build();
    MessageHandler participant = new TripParticipant(database, outbox).handler();
    Lifecycle lifecycle =
        Lifecycle.builder()
            .transport(transport)
            .relay(OutboxRelay.create(outbox, transport, runtime))
            .saga(engine)
            .subscription("cars", () -> subscribe(transport, TripState.CARS, participant))
            .subscription("bank", () -> subscribe(transport, TripState.BANK, participant))
            .subscription("airline", () -> subscribe(transport, TripState.AIRLINE, participant))
            .subscription(
                "replies", () -> subscribe(transport, TripParticipant.REPLIES, engine.replies()))
            .build();
    lifecycle.start();
    QuiescenceCheck quiescence = new QuiescenceCheck(subscriptions);
    for (int i = 1; i <= trips; i++) {
      String trip = Integer.toString(i);
      transactions.run(tx -> engine.start(tx, definition, trip, TripState.of(trip)));
    }
    try {
      awaitAllEnded(engine, quiescence, trips);
    } catch (AssertionError late) {
      printState(lifecycle, engine);
      throw late;
    }
    lifecycle.drain(Duration.ofSeconds(10));
    lifecycle.close();
    runtime.close();
  }

  private void awaitAllEnded(SagaEngine engine, QuiescenceCheck quiescence, int trips) {
    Await.until(
        "all trips end",
        Duration.ofSeconds(60),
        () -> {
          // Retries like an operator: the ticket's outcome is unknown after a kill.
          engine.list(SagaStatus.PARKED, 100).forEach(s -> engine.retry(s.id(), "test", ""));
          boolean ended =
              engine.list(SagaStatus.COMPLETED, 10_000).size()
                      + engine.list(SagaStatus.COMPENSATED, 10_000).size()
                  == trips;
          return quiescence.isQuiescent(ended && outboxIsEmpty());
        });
  }

  /** Prints the state, so that the failure can be analysed. */
  private void printState(Lifecycle lifecycle, SagaEngine engine) {
    for (SagaStatus status : SagaStatus.values()) {
      System.out.println(status + ": " + engine.list(status, 100));
    }
    System.out.println("outbox is empty: " + outboxIsEmpty());
    System.out.println("health: " + lifecycle.health());
    subscriptions.forEach(subscription -> System.out.println(subscription.snapshot()));
    Thread.getAllStackTraces()
        .forEach(
            (thread, frames) -> {
              System.out.println(thread);
              for (StackTraceElement frame : frames) {
                System.out.println("    " + frame);
              }
            });
  }

  private Subscription subscribe(
      MessageTransport transport, Destination queue, MessageHandler handler) {
    Subscription subscription =
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(queue).workers(4).transactional(transactions).build(),
                handler);
    subscriptions.add(subscription);
    return subscription;
  }

  private boolean outboxIsEmpty() {
    try (Connection connection = database.dataSource().getConnection();
        Statement select = connection.createStatement();
        ResultSet row =
            select.executeQuery("SELECT count(*) FROM " + database.table("outbox_message"))) {
      return row.next() && row.getLong(1) == 0;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private void createTables() throws SQLException {
    transactions.<Void, SQLException>run(
        tx -> {
          try (Statement create = tx.unwrap(Connection.class).createStatement()) {
            create.execute(
                "CREATE TABLE IF NOT EXISTS "
                    + database.table("effect")
                    + " (saga varchar(36), step varchar(50), effect varchar(10))");
            create.execute(
                "CREATE TABLE IF NOT EXISTS "
                    + database.table("trip_end")
                    + " (n bigint GENERATED ALWAYS AS IDENTITY, trip varchar(36), status varchar(16))");
          }
          return null;
        });
  }

  private void end(TransactionContext tx, TripState trip, SagaStatus status) throws SQLException {
    try (PreparedStatement insert =
        tx.unwrap(Connection.class)
            .prepareStatement(
                "INSERT INTO " + database.table("trip_end") + " (trip, status) VALUES (?, ?)")) {
      insert.setString(1, trip.id());
      insert.setString(2, status.name());
      insert.executeUpdate();
    }
  }
}
