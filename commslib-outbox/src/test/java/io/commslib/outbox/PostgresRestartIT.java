package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A database that is killed while the relay works, and restarts with its data. */
class PostgresRestartIT {

  private static final Destination ORDERS = Destination.queue("orders");

  private final RecordingTransport transport = new RecordingTransport();

  @Test
  void theRelayOutlivesADatabaseThatIsKilledAndLosesNothing() {
    try (PostgresServer server = PostgresServer.start();
        HikariDataSource pool =
            TestDatabases.pool(server.jdbcUrl(), server.user(), server.password());
        SystemRuntime runtime = SystemRuntime.create()) {
      JdbcDatabase database = JdbcDatabase.builder(pool).schema("orders").build();
      OutboxSchema.scripts().apply(database);
      JdbcOutbox outbox = JdbcOutbox.create(database, OutboxFixture.quick().build());
      OutboxRelay relay = OutboxRelay.create(outbox, transport, runtime);
      relay.start();
      try {
        Set<String> committed = new LinkedHashSet<>();
        Set<String> unknown = new HashSet<>();
        writeUntil(300, outbox, database, committed, unknown);
        server.kill();
        Await.until("the relay notices", () -> relay.health().status() == Health.Status.DOWN);
        server.restart();
        Await.until("the relay is back", () -> relay.health().status() == Health.Status.UP);
        writeUntil(600, outbox, database, committed, unknown);
        Await.until(
            "all published", () -> new HashSet<>(transport.confirmed()).containsAll(committed));
        Await.until("rows gone", () -> rows(pool, database) == 0);
        Set<String> published = new HashSet<>(transport.confirmed());
        published.removeAll(unknown);
        assertThat(published).as("only committed messages").isEqualTo(committed);
        assertThat(published.size()).isGreaterThanOrEqualTo(500);
      } finally {
        relay.close();
      }
    }
  }

  private static void writeUntil(
      int last,
      JdbcOutbox outbox,
      JdbcDatabase database,
      Set<String> committed,
      Set<String> unknown) {
    JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);
    for (int i = last - 299; i <= last; i++) {
      String id = "m" + i;
      try {
        transactions.run(
            tx -> {
              outbox.publish(tx, ORDERS, Message.builder("t").id(id).key("k").build());
              return null;
            });
        committed.add(id);
      } catch (CommsException e) {
        if (e.kind() == FailureKind.UNKNOWN_RESULT) {
          unknown.add(id);
        }
      }
    }
  }

  private static int rows(HikariDataSource pool, JdbcDatabase database) {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery("SELECT count(*) FROM " + database.table("outbox_message"))) {
      row.next();
      return row.getInt(1);
    } catch (java.sql.SQLException e) {
      return -1;
    }
  }
}
