package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Runs the relay's and the admin's SQL, one transaction a call; drivers' failures end here. */
final class OutboxTransactions {

  /** What to do with a connection in a transaction. */
  interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  private final JdbcTransactionRunner transactions;
  private final DataSource source;
  private final boolean mySql;
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
    this.source = database.dataSource();
    this.mySql = database.dialect().isMySql();
  }

  /** Runs one statement, or several that need not hold together: each commits by itself. */
  <T> T single(String doing, Work<T> work) {
    clearInterrupt();
    try (Connection connection = source.getConnection()) {
      boolean autoCommit = connection.getAutoCommit();
      if (!autoCommit) {
        connection.setAutoCommit(true);
      }
      try {
        return mySql ? readingCommitted(connection, work) : work.run(connection);
      } finally {
        if (!autoCommit) {
          connection.setAutoCommit(false);
        }
      }
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + doing, e);
    }
  }

  /** At the usual isolation a change locks, and waits for, each row it only passes over. */
  private static <T> T readingCommitted(Connection connection, Work<T> work) throws SQLException {
    int isolation = connection.getTransactionIsolation();
    if (isolation == Connection.TRANSACTION_READ_COMMITTED) {
      return work.run(connection);
    }
    connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    try {
      return work.run(connection);
    } finally {
      connection.setTransactionIsolation(isolation);
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
