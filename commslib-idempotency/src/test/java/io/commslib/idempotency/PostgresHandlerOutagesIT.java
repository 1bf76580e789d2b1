package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.messaging.Settlement;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class PostgresHandlerOutagesIT extends HandlerOutagesContract {

  private final PostgresServer server = PostgresServer.shared();

  @Override
  HikariDataSource open() {
    return TestDatabases.pool(server.jdbcUrl(), server.user(), server.password(), 2, 250);
  }

  @Override
  Connection nowhere() throws SQLException {
    return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:1/none", "none", "none");
  }

  @Override
  Connection stranger() throws SQLException {
    return DriverManager.getConnection(server.jdbcUrl(), "stranger_to_all", "none");
  }

  @Override
  String renamed(String table) {
    return '"' + table + '"';
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Test
  void aStatementEndedByATimeoutConsumesNoAttempt() throws SQLException {
    subscribe(noting());
    try (Connection holder = connection()) {
      holder.setAutoCommit(false);
      run(holder, "LOCK TABLE " + database.table("inbox") + " IN ACCESS EXCLUSIVE MODE");
      source.use(
          () -> {
            Connection hasty = connection();
            run(hasty, "SET statement_timeout = 50");
            return hasty;
          });
      assertOutage("COMMS-JDBC-008");
      source.useUsual();
      holder.rollback();
    }
    execute("RESET statement_timeout");
    assertHandledAtTheFirstAttempt();
  }

  @Test
  void aConnectionLostDuringTheHandlersStatementConsumesNoAttempt() {
    AtomicBoolean ends = new AtomicBoolean(true);
    subscribe(
        delivery -> {
          if (ends.get()) {
            run(
                JdbcTransactions.connection(delivery.transaction()),
                "SELECT pg_terminate_backend(pg_backend_pid())");
          }
          attempts.add(delivery.attempt());
          return Settlement.done();
        });
    assertOutage("COMMS-JDBC-001");
    ends.set(false);
    assertHandledAtTheFirstAttempt();
  }

  private void createOrders() {
    String orders = database.table("orders");
    String items = database.table("items");
    execute(
        "CREATE TABLE " + orders + " (id int PRIMARY KEY)",
        "CREATE TABLE "
            + items
            + " (id int, order_id int REFERENCES "
            + orders
            + " DEFERRABLE INITIALLY DEFERRED)");
  }

  @Test
  void aConstraintThatFailsAtCommitIsAFailedAttempt() {
    createOrders();
    subscribe(
        delivery -> {
          run(
              JdbcTransactions.connection(delivery.transaction()),
              "INSERT INTO " + database.table("items") + " VALUES (1, 1)");
          if (delivery.attempt() == ATTEMPTS) {
            // The write that another message would make.
            execute("INSERT INTO " + database.table("orders") + " VALUES (1)");
          }
          attempts.add(delivery.attempt());
          return Settlement.done();
        });
    publish();
    Await.until("handled", () -> attempts.size() == ATTEMPTS);
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(attempts).containsExactly(1, 2);
    assertThat(deadLetters()).isZero();
  }

  @Test
  void aConstraintThatFailsAtEachCommitUsesUpTheAttempts() {
    createOrders();
    subscribe(
        delivery -> {
          run(
              JdbcTransactions.connection(delivery.transaction()),
              "INSERT INTO " + database.table("items") + " VALUES (1, 1)");
          attempts.add(delivery.attempt());
          return Settlement.done();
        });
    publish();
    Await.until("dead-lettered", () -> deadLetters() == 1);
    assertThat(attempts).containsExactly(1, 2);
  }
}
