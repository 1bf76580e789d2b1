package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SingleStatements;
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
  private final SingleStatements singles;

  OutboxTransactions(JdbcDatabase database) {
    this.transactions = JdbcTransactionRunner.create(database);
    this.singles = SingleStatements.readingCommittedOn(database);
  }

  /** Runs one statement, or several that need not hold together: each commits by itself. */
  <T> T single(String doing, Work<T> work) {
    try {
      return singles.run("outbox " + doing, work::run);
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + doing, e);
    }
  }

  <T> T run(String doing, Work<T> work) {
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + doing, e);
    }
  }
}
