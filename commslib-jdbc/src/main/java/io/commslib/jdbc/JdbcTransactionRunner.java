package io.commslib.jdbc;

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
 * <p>A connection goes back to the data source as it came: with its auto-commit mode, its isolation
 * and no open transaction, whatever became of the work; one that can't be put back is destroyed.
 * What an earlier user left uncommitted on it is rolled back first. Settings of the session that
 * the work changes itself are the work's to put back.
 *
 * <p>Work that catches the failure of a statement and returns is not committed if the database has
 * rolled its transaction back: PostgreSQL after each failed statement, MariaDB, MySQL and H2 after
 * a deadlock. {@link #run} throws {@link io.commslib.core.StoreException} {@code COMMS-JDBC-016}
 * then. A savepoint that is set before the statement and rolled back to after its failure keeps the
 * transaction on PostgreSQL. Failures are seen on the connection that the work is given, which
 * costs no statement; on PostgreSQL the driver's own state of the transaction is read too.
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
    BorrowedConnection borrowed = borrow();
    JdbcTransaction tx = new JdbcTransaction(borrowed.connection(), database.id(), true);
    T result;
    boolean commits;
    try {
      result = work.run(tx);
      commits = tx.seal();
      if (commits) {
        commit(borrowed.connection(), tx.statementFailures());
      }
    } catch (Throwable failure) {
      tx.end();
      // After a commit that failed too: nothing may be left open on the connection.
      borrowed.rollBack();
      borrowed.giveBack();
      throw SqlErrors.<X>workFailure("COMMS-JDBC-001", failure);
    }
    if (commits) {
      borrowed.giveBack();
      tx.runHooks();
    } else {
      borrowed.rollBack();
      borrowed.giveBack();
      throwSwallowed(tx);
    }
    return result;
  }

  private static void throwSwallowed(JdbcTransaction tx) {
    RuntimeException ignored = tx.failure();
    if (ignored != null) {
      throw SqlErrors.<RuntimeException>workFailure("COMMS-JDBC-001", ignored);
    }
  }

  private void commit(Connection connection, StatementFailures seen) {
    CommitCheck.refuseRolledBack(connection, database.dialect(), seen, true);
    try {
      connection.commit();
    } catch (SQLException e) {
      throw SqlErrors.translateCommit(e);
    }
  }

  private BorrowedConnection borrow() {
    try {
      return BorrowedConnection.take(database, false, true);
    } catch (SQLException e) {
      throw SqlErrors.translateConnect("begin", e);
    }
  }
}
