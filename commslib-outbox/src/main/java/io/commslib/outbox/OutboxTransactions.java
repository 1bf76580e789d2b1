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
  private final boolean ofLoop;

  /** For callers' threads. */
  OutboxTransactions(JdbcDatabase database) {
    this(database, false);
  }

  /**
   * For threads of the library's own: what a driver has left set of an interrupt must not reach the
   * next statement.
   */
  static OutboxTransactions ofLoop(JdbcDatabase database) {
    return new OutboxTransactions(database, true);
  }

  private OutboxTransactions(JdbcDatabase database, boolean ofLoop) {
    this.ofLoop = ofLoop;
    this.transactions = JdbcTransactionRunner.create(database);
    this.singles = SingleStatements.readingCommittedOn(database);
  }

  /** Runs one statement, or several that need not hold together: each commits by itself. */
  <T> T single(String doing, Work<T> work) {
    clearInterrupt();
    try {
      return singles.run("outbox " + doing, work::run);
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + doing, e);
    }
  }

  private void clearInterrupt() {
    if (ofLoop) {
      Thread.interrupted();
    }
  }

  <T> T run(String doing, Work<T> work) {
    clearInterrupt();
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + doing, e);
    }
  }
}
