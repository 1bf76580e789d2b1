package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.servers.MariaDbServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MariaDbIdempotencyStoreIT extends JdbcIdempotencyStoreContract {

  @Override
  protected HikariDataSource newPool() {
    MariaDbServer server = MariaDbServer.shared();
    return TestDatabases.pool(server.jdbcUrl(), server.user(), server.password());
  }

  /**
   * With this setting a row that has changed since the snapshot rolls back the whole transaction.
   */
  @Test
  void doesNotCallARolledBackTransactionInFlight() throws SQLException {
    try (Connection connection = database().dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("SET innodb_snapshot_isolation = ON");
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      connection.setAutoCommit(false);
      statement.executeQuery("SELECT 1 FROM " + database().table("idempotency")).close();
      long token = claim().token();
      assertThat(store().complete(REQUEST, token, result("r"))).isTrue();
      TransactionContext tx = JdbcTransactions.join(connection, database());
      assertThatThrownBy(() -> store().claim(tx, REQUEST))
          .isInstanceOfSatisfying(
              StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION));
      assertThat(tx.isRollbackOnly()).isTrue();
      connection.rollback();
      connection.setAutoCommit(true);
      statement.execute("SET innodb_snapshot_isolation = OFF");
    }
  }

  /** The server closes the connection if a statement is longer. */
  @Test
  void storesAShortFormOfAResultTooLargeForOneStatement() throws SQLException {
    String usual;
    try (Connection connection = database().dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      try (ResultSet row = statement.executeQuery("SELECT @@global.max_allowed_packet")) {
        row.next();
        usual = row.getString(1);
      }
      statement.execute("SET GLOBAL max_allowed_packet = 2097152");
      try (HikariDataSource small = newPool()) {
        JdbcIdempotencyStore store =
            JdbcIdempotencyStore.create(
                JdbcDatabase.builder(small).schema(schema()).build(), IdempotencyConfig.defaults());
        StoredResult large = new StoredResult(201, "a/b", new byte[1_048_000], Map.of());
        assertThat(store.complete(REQUEST, store.claim(REQUEST, LEASE).token(), large)).isTrue();
      } finally {
        statement.execute("SET GLOBAL max_allowed_packet = " + usual);
      }
    }
    assertThat(UnstorableResults.isShort(claim().result())).isTrue();
  }
}
