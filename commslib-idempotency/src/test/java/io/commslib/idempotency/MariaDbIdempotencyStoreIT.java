package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.testkit.servers.MariaDbServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

class MariaDbIdempotencyStoreIT extends JdbcIdempotencyStoreContract {

  @Override
  protected HikariDataSource newPool() {
    MariaDbServer server = MariaDbServer.shared();
    return TestDatabases.pool(server.jdbcUrl(), server.user(), server.password());
  }

  /** With it, a row that has changed since the snapshot takes back the whole transaction. */
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
}
