package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;

/** Runs the relay's and the admin's SQL, one transaction a call; drivers' failures end here. */
final class OutboxTransactions {

  /** What to do with a connection in a transaction. */
  interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  private final JdbcTransactionRunner transactions;

  OutboxTransactions(JdbcDatabase database) {
    this.transactions = JdbcTransactionRunner.create(database);
  }

  <T> T run(String doing, Work<T> work) {
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + doing, e);
    }
  }
}
