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
  public boolean needsPlatformThreads() {
    return database.dialect() == SqlDialect.H2;
  }

  @Override
  public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
    Objects.requireNonNull(work, "work");
    Session session = open();
    JdbcTransaction tx = new JdbcTransaction(session.connection, database.id(), true);
    boolean worked = false;
    T result;
    try {
      result = work.run(tx);
      worked = true;
      end(session, tx);
    } catch (Throwable failure) {
      if (!worked) {
        session.rollBack();
      }
      session.close();
      throw lostOr(failure);
    }
    session.close();
    tx.runHooks();
    return result;
  }

  /** Commits, or rolls back what was marked; sneaks nothing past a mark that came in time. */
  private static void end(Session session, JdbcTransaction tx) {
    if (!tx.seal()) {
      session.rollBack();
      tx.forgetHooks();
      RuntimeException ignored = tx.failure();
      if (ignored != null) {
        throw ignored;
      }
      return;
    }
    try {
      session.connection.commit();
    } catch (SQLException e) {
      session.rollBack();
      throw SqlErrors.translateCommit(e);
    }
  }

  private Session open() {
    try {
      Connection connection = database.dataSource().getConnection();
      Session session = new Session(connection);
      try {
        session.autoCommit = connection.getAutoCommit();
        if (!database.readsCommitted()) {
          connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        }
        connection.setAutoCommit(false);
        return session;
      } catch (SQLException e) {
        session.close();
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

  /** A connection on loan, and what it takes to give it back as it was. */
  private static final class Session {
    final Connection connection;
    boolean autoCommit;
    private boolean broken;

    Session(Connection connection) {
      this.connection = connection;
    }

    void rollBack() {
      try {
        connection.rollback();
      } catch (SQLException e) {
        // The database rolls back what a broken connection leaves behind.
        broken = true;
      }
    }

    void close() {
      try {
        // Switching auto-commit on commits what is still open: never after a failed rollback.
        if (autoCommit && !broken) {
          connection.setAutoCommit(true);
        }
      } catch (SQLException e) {
        broken = true;
      }
      try {
        connection.close();
      } catch (SQLException e) {
        broken = true;
      }
    }
  }
}
