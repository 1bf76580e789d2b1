package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;

/**
 * Transactions on plain JDBC: one connection of the data source per transaction, isolation READ
 * COMMITTED. Thread-safe.
 *
 * @since 0.1
 */
public final class JdbcTransactionRunner implements TransactionRunner {

  private final JdbcDatabase database;

  private JdbcTransactionRunner(JdbcDatabase database) {
    this.database = database;
  }

  /**
   * Creates a runner.
   *
   * @param database where the transactions run
   * @return new runner; holds nothing that must be closed
   */
  public static JdbcTransactionRunner create(JdbcDatabase database) {
    return new JdbcTransactionRunner(Objects.requireNonNull(database, "database"));
  }

  @Override
  public DatabaseId database() {
    return database.id();
  }

  @Override
  public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
    Connection connection = open();
    JdbcTransaction tx = new JdbcTransaction(connection, database.id(), true);
    boolean ended = false;
    T result;
    try {
      result = work.run(tx);
      ended = true;
      end(connection, tx);
    } catch (Throwable failure) {
      if (!ended) {
        rollBackQuietly(connection);
      }
      closeQuietly(connection);
      throw lostOr(failure);
    }
    closeQuietly(connection);
    tx.runHooks();
    return result;
  }

  /** Commits, or rolls back what was marked; sneaks nothing past a mark that came in time. */
  private static void end(Connection connection, JdbcTransaction tx) {
    if (!tx.seal()) {
      rollBackQuietly(connection);
      tx.forgetHooks();
      return;
    }
    try {
      connection.commit();
    } catch (SQLException e) {
      rollBackQuietly(connection);
      throw SqlErrors.translateCommit(e);
    }
  }

  private Connection open() {
    try {
      Connection connection = database.dataSource().getConnection();
      try {
        connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        connection.setAutoCommit(false);
        return connection;
      } catch (SQLException e) {
        closeQuietly(connection);
        throw e;
      }
    } catch (SQLException e) {
      throw SqlErrors.translate("begin", e);
    }
  }

  /** What the work threw leaves as it is, except that a lost connection is reported as such. */
  @SuppressWarnings("unchecked")
  private static <X extends Exception> X lostOr(Throwable failure) throws X {
    if (failure instanceof Error error) {
      throw error;
    }
    if (!(failure instanceof StoreException) && SqlErrors.isConnectionLost(failure)) {
      throw new StoreException(
          "COMMS-JDBC-001",
          FailureKind.TRANSIENT,
          "transaction: connection lost, rolled back",
          failure);
    }
    throw (X) failure;
  }

  private static void rollBackQuietly(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      // The database rolls back what a broken connection leaves behind.
      return;
    }
  }

  private static void closeQuietly(Connection connection) {
    try {
      connection.setAutoCommit(true);
    } catch (SQLException e) {
      // Closing is what matters; a pool throws a broken connection away.
    }
    try {
      connection.close();
    } catch (SQLException e) {
      return;
    }
  }
}
