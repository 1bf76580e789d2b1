package io.commslib.outbox;

import io.commslib.core.WrongSessionException;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SingleStatements;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * Runs the SQL of relays, notifiers and admins, in one transaction for each call. Translates the
 * failures of drivers. Thread-safe.
 */
final class OutboxTransactions {

  /** Statements on a connection. */
  interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  private final JdbcTransactionRunner transactions;
  private final SingleStatements singles;
  private final boolean clearsInterrupts;

  /** For callers' threads. */
  OutboxTransactions(JdbcDatabase database) {
    this(database, false);
  }

  /**
   * For threads of the library's own. An interrupt flag that a driver has left set must not reach
   * the next statement.
   */
  static OutboxTransactions ofLoop(JdbcDatabase database) {
    return new OutboxTransactions(database, true);
  }

  private OutboxTransactions(JdbcDatabase database, boolean clearsInterrupts) {
    this.clearsInterrupts = clearsInterrupts;
    this.transactions = JdbcTransactionRunner.create(database);
    this.singles = SingleStatements.readingCommittedOn(database);
  }

  /** Runs one statement, or several independent ones. Each of them commits by itself. */
  <T> T single(String operation, Work<T> work) {
    clearInterrupt();
    try {
      return singles.run("outbox " + operation, work::run);
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + operation, e);
    }
  }

  private void clearInterrupt() {
    if (clearsInterrupts) {
      Thread.interrupted();
    }
  }

  /**
   * Runs statements in one transaction, and once more if a pooler has exchanged its session: then
   * nothing was committed.
   */
  <T> T run(String operation, Work<T> work) {
    try {
      return runOnce(operation, work);
    } catch (WrongSessionException e) {
      return runOnce(operation, work);
    }
  }

  private <T> T runOnce(String operation, Work<T> work) {
    clearInterrupt();
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + operation, e);
    }
  }
}
