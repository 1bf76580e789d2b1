package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection borrowed from the data source. It is returned unchanged: with its original
 * auto-commit mode, isolation and setting of the driver, and without an open transaction. A
 * connection that can't be restored is destroyed, because its next user would commit the leftover
 * transaction or run in it.
 *
 * <p>If the data source supplies connections with auto-commit off, an earlier user may have left a
 * transaction open. It is rolled back first; drivers do so without a round trip if there is none.
 * If the data source supplies them with auto-commit on, a connection with auto-commit off is
 * refused: a transaction of other code may run on it.
 */
final class BorrowedConnection {

  private static final Logger log = LoggerFactory.getLogger(BorrowedConnection.class);
  private static final int UNCHANGED = -1;

  private final Connection connection;
  private boolean originalAutoCommit;
  private boolean changesAutoCommit;
  private int originalIsolation = UNCHANGED;
  private Runnable restoreNames = SharedSessions.UNCHANGED;
  private boolean unusable;

  private BorrowedConnection(Connection connection) {
    this.connection = connection;
  }

  /** Borrows the first connection of a data source, in auto-commit mode. */
  static BorrowedConnection first(DataSource source) throws SQLException {
    return take(source, null, true, false);
  }

  /**
   * Borrows a connection.
   *
   * @param autoCommit whether each statement commits by itself
   * @param readCommitted whether the isolation must be READ COMMITTED
   * @throws StoreException {@code COMMS-JDBC-014} if a transaction may run on it
   */
  static BorrowedConnection take(JdbcDatabase database, boolean autoCommit, boolean readCommitted)
      throws SQLException {
    return take(
        database.dataSource(), database, autoCommit, readCommitted && !database.readsCommitted());
  }

  private static BorrowedConnection take(
      DataSource source, @Nullable JdbcDatabase database, boolean autoCommit, boolean setsIsolation)
      throws SQLException {
    BorrowedConnection borrowed = new BorrowedConnection(source.getConnection());
    try {
      if (database == null) {
        borrowed.prepare(false);
        borrowed.setAutoCommit(autoCommit);
      } else {
        borrowed.prepare(database.autoCommits());
        borrowed.restoreNames = database.sharedSessions().stopNames(borrowed.connection);
        borrowed.setAutoCommit(autoCommit);
        if (setsIsolation) {
          borrowed.setReadCommitted(database.dialect(), autoCommit);
        }
      }
      return borrowed;
    } catch (Throwable e) {
      borrowed.giveBack();
      throw e;
    }
  }

  private void prepare(boolean autoCommits) throws SQLException {
    originalAutoCommit = connection.getAutoCommit();
    if (!originalAutoCommit && autoCommits) {
      throw new StoreException(
          "COMMS-JDBC-014",
          FailureKind.TRANSIENT,
          "autoCommit: false (expected: true, as when the data source was first asked; a connection"
              + " on which a transaction runs must not be used)",
          null);
    }
    if (!originalAutoCommit) {
      connection.rollback();
    }
  }

  private void setAutoCommit(boolean autoCommit) throws SQLException {
    if (originalAutoCommit != autoCommit) {
      changesAutoCommit = true;
      connection.setAutoCommit(autoCommit);
    }
  }

  /**
   * Sets the isolation for the transaction that begins. On databases other than PostgreSQL, which
   * have no such statement, and for statements that commit by themselves, it is set for the session
   * and restored later.
   */
  private void setReadCommitted(SqlDialect dialect, boolean autoCommit) throws SQLException {
    if (!autoCommit && dialect.setsIsolationOfTransaction()) {
      try {
        PlainSql.execute(connection, SqlDialect.READ_COMMITTED);
      } catch (Throwable e) {
        // The statement may have begun the transaction.
        rollBack();
        throw e;
      }
      return;
    }
    int isolation = connection.getTransactionIsolation();
    if (isolation != Connection.TRANSACTION_READ_COMMITTED) {
      originalIsolation = isolation;
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    }
  }

  /** Returns whether the data source supplied it with auto-commit on. */
  boolean originalAutoCommit() {
    return originalAutoCommit;
  }

  Connection connection() {
    return connection;
  }

  /** Rolls back; if that fails, the connection is destroyed when it is returned. */
  void rollBack() {
    try {
      connection.rollback();
    } catch (Throwable e) {
      // The database rolls back the transaction of a destroyed connection.
      unusable = true;
      log.debug("rollback failed, the connection is closed", e);
    }
  }

  /** Destroys the connection when it is returned: its transaction can't be ended safely. */
  void destroyOnReturn() {
    unusable = true;
  }

  /**
   * Returns it to the data source. Never throws. No transaction may be open unless its rollback
   * failed.
   */
  void giveBack() {
    if (!unusable) {
      restore();
    }
    if (unusable) {
      quietly(() -> connection.abort(Runnable::run));
    }
    quietly(connection::close);
  }

  private void restore() {
    try {
      if (changesAutoCommit) {
        connection.setAutoCommit(originalAutoCommit);
      }
      if (originalIsolation != UNCHANGED) {
        connection.setTransactionIsolation(originalIsolation);
      }
      restoreNames.run();
    } catch (Throwable e) {
      unusable = true;
      log.warn("a connection can't be restored and is closed: {}", e.toString());
    }
  }

  private interface Step {
    void run() throws SQLException;
  }

  /** The work is done or its failure is already being thrown; a failure here must not hide it. */
  private static void quietly(Step step) {
    try {
      step.run();
    } catch (Throwable e) {
      log.debug("a connection could not be closed", e);
    }
  }
}
