package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.Backoff;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.testkit.Await;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * From the transport to the database: a failing database consumes no attempt of a message, and
 * health names the failure meanwhile.
 */
abstract class HandlerOutagesContract {

  static final Destination ORDERS = Destination.queue("orders");
  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  /** Fewer attempts than the deliveries that each test waits for. */
  static final int ATTEMPTS = 2;

  private static final int TRIES = 3;

  private final InMemoryTransport transport = InMemoryTransport.create();
  final List<Integer> attempts = new CopyOnWriteArrayList<>();
  private HikariDataSource pool;
  SwitchedDataSource source;
  JdbcDatabase database;
  private Subscription subscription;

  /** Opens a pool with two connections, which waits a quarter of a second for a free one. */
  abstract HikariDataSource open();

  /** Requests a connection to a server that does not exist. */
  abstract Connection nowhere() throws SQLException;

  /** Requests a connection as a user that does not exist. */
  abstract Connection stranger() throws SQLException;

  /** Runs statements outside the test's pool. */
  final void execute(String... statements) {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  final Connection connection() throws SQLException {
    return pool.getConnection();
  }

  @BeforeEach
  void openDatabase() {
    pool = open();
    source = new SwitchedDataSource(pool);
    database =
        JdbcDatabase.builder(source.asDataSource())
            .schema("outages_" + SCHEMAS.incrementAndGet())
            .build();
    InboxSchema.scripts().apply(database);
    transport.declare(DestinationConfig.builder(ORDERS).build());
  }

  @AfterEach
  void close() {
    transport.close();
    pool.close();
  }

  final void subscribe(MessageHandler handler) {
    subscription =
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(ORDERS)
                    .workers(1)
                    .retry(
                        RetrySchedule.builder()
                            .attemptsAtOnce(ATTEMPTS)
                            .backoff(
                                Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(2)))
                            .withoutDelays()
                            .build())
                    .transactional(
                        JdbcTransactionRunner.create(database),
                        JdbcInbox.create(database, InboxConfig.defaults()))
                    .build(),
                handler);
  }

  final MessageHandler noting() {
    return delivery -> {
      attempts.add(delivery.attempt());
      return Settlement.done();
    };
  }

  final void publish() {
    transport.publisher().publish(ORDERS, Message.builder("order.placed").id("m1").build());
  }

  final int deadLetters() {
    return transport.deadLetters().list(ORDERS, "main", 10).size();
  }

  /**
   * Publishes, waits for more deliveries than the message has attempts, and for the outage's code.
   */
  final void assertOutage(String code) {
    int before = source.asked();
    publish();
    Await.until("tries", () -> source.asked() - before >= TRIES);
    Health health = subscription.health();
    assertThat(health.status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(health.reason()).contains(code);
    assertThat(deadLetters()).isZero();
  }

  final void assertHandledAtTheFirstAttempt() {
    Await.until("handled", () -> !attempts.isEmpty());
    Await.until("well", () -> subscription.health().status() == Health.Status.UP);
    assertThat(attempts).containsExactly(1);
    assertThat(deadLetters()).isZero();
  }

  @Test
  void anExhaustedPoolConsumesNoAttempt() throws SQLException {
    subscribe(noting());
    try (Connection one = pool.getConnection();
        Connection two = pool.getConnection()) {
      assertThat(one).isNotSameAs(two);
      assertOutage("COMMS-JDBC-015");
    }
    assertHandledAtTheFirstAttempt();
  }

  @Test
  void anUnreachableServerConsumesNoAttempt() {
    subscribe(noting());
    source.use(this::nowhere);
    assertOutage("COMMS-JDBC-001");
    source.useUsual();
    assertHandledAtTheFirstAttempt();
  }

  @Test
  void aWrongUserConsumesNoAttempt() {
    subscribe(noting());
    source.use(this::stranger);
    assertOutage("COMMS-JDBC-009");
    source.useUsual();
    assertHandledAtTheFirstAttempt();
  }

  @Test
  void aMissingTableConsumesNoAttempt() {
    subscribe(noting());
    String inbox = database.table("inbox");
    execute("ALTER TABLE " + inbox + " RENAME TO " + renamed("inbox_away"));
    assertOutage("COMMS-JDBC-009");
    execute("ALTER TABLE " + database.table("inbox_away") + " RENAME TO " + renamed("inbox"));
    assertHandledAtTheFirstAttempt();
  }

  /** Returns a table's new name in the form of ALTER TABLE. */
  String renamed(String table) {
    return table;
  }
}
