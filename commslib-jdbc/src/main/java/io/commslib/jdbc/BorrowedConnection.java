package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection on loan from the data source. It is given back as it came: auto-commit and isolation
 * are what they were, and no transaction is open. One that can't be put back is destroyed, so that
 * the pool hands it to nobody: its next user would commit, or run in, what is left on it.
 *
 * <p>Where connections come with auto-commit off, one may hold what an earlier user has neither
 * committed nor rolled back. That is rolled back first; drivers know when there is nothing to roll
 * back and ask no server. Where they come with auto-commit on, one with auto-commit off is refused:
 * it may be that of a transaction which runs, and is not ours to end.
 */
final class BorrowedConnection {

  private static final Logger log = LoggerFactory.getLogger(BorrowedConnection.class);
  private static final int UNCHANGED = -1;

  private final Connection connection;
  private boolean originalAutoCommit;
  private boolean changesAutoCommit;
  private int originalIsolation = UNCHANGED;
  private boolean unusable;

  private BorrowedConnection(Connection connection) {
    this.connection = connection;
  }

  /** Takes the first connection of a data source of which nothing is known; in auto-commit mode. */
  static BorrowedConnection first(DataSource source) throws SQLException {
    return take(source, false, true, false);
  }

  /**
   * Takes a connection.
   *
   * @param autoCommit whether its statements shall commit by themselves
   * @param readCommitted whether its isolation is to be READ COMMITTED
   * @throws StoreException {@code COMMS-JDBC-014} if a transaction may run on it
   */
  static BorrowedConnection take(JdbcDatabase database, boolean autoCommit, boolean readCommitted)
      throws SQLException {
    return take(
        database.dataSource(),
        database.autoCommits(),
        autoCommit,
        readCommitted && !database.readsCommitted());
  }

  private static BorrowedConnection take(
      DataSource source, boolean autoCommits, boolean autoCommit, boolean setsIsolation)
      throws SQLException {
    BorrowedConnection borrowed = new BorrowedConnection(source.getConnection());
    try {
      borrowed.prepare(autoCommits, autoCommit, setsIsolation);
      return borrowed;
    } catch (Throwable e) {
      borrowed.giveBack();
      throw e;
    }
  }

  private void prepare(boolean autoCommits, boolean autoCommit, boolean setsIsolation)
      throws SQLException {
    originalAutoCommit = connection.getAutoCommit();
    if (!originalAutoCommit && autoCommits) {
      throw new StoreException(
          "COMMS-JDBC-014",
          FailureKind.TRANSIENT,
          "autoCommit: false (expected: true, as when the data source was first asked; a connection"
              + " on which a transaction runs is not ours to use)",
          null);
    }
    if (!originalAutoCommit) {
      connection.rollback();
    }
    if (setsIsolation) {
      int isolation = connection.getTransactionIsolation();
      if (isolation != Connection.TRANSACTION_READ_COMMITTED) {
        originalIsolation = isolation;
        connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
      }
    }
    if (originalAutoCommit != autoCommit) {
      changesAutoCommit = true;
      connection.setAutoCommit(autoCommit);
    }
  }

  /** Whether it came with auto-commit on. */
  boolean originalAutoCommit() {
    return originalAutoCommit;
  }

  Connection connection() {
    return connection;
  }

  /** Rolls back; a connection on which that fails is destroyed when it is given back. */
  void rollBack() {
    try {
      connection.rollback();
    } catch (Throwable e) {
      // The database rolls back what a destroyed connection leaves behind.
      unusable = true;
      log.debug("rollback failed, the connection is closed", e);
    }
  }

  /** Never throws. A transaction that is still open must have been told to roll back. */
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
    } catch (Throwable e) {
      unusable = true;
      log.warn("a connection can't be put back as it was and is closed: {}", e.toString());
    }
  }

  private interface Step {
    void run() throws SQLException;
  }

  /** What was to be done is done by now, or its failure is on its way. */
  private static void quietly(Step step) {
    try {
      step.run();
    } catch (Throwable e) {
      log.debug("a connection could not be closed", e);
    }
  }
}
