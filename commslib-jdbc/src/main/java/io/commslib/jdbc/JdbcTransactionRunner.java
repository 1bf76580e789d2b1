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
 * <p>A connection is returned to the data source unchanged, whatever the outcome of the work: with
 * its original auto-commit mode and isolation, and without an open transaction. A connection that
 * can't be restored is destroyed. A transaction that an earlier user left open on it is rolled back
 * first. Work that changes other settings of the session must restore them itself.
 *
 * <p>Work that swallows the failure of a statement and returns is not committed if the database has
 * rolled its transaction back: PostgreSQL does so after every failed statement, MariaDB, MySQL and
 * H2 after a deadlock. {@link #run} then throws {@link io.commslib.core.StoreException} {@code
 * COMMS-JDBC-016}. On PostgreSQL a savepoint that is set before the statement, and rolled back to
 * after its failure, keeps the transaction. Failures are detected on the connection of the
 * transaction context, which costs no statement. On PostgreSQL the driver's state of the
 * transaction is read too.
 */
public final class JdbcTransactionRunner implements TransactionRunner {

  private final JdbcDatabase database;

  private JdbcTransactionRunner(JdbcDatabase database) {
    this.database = database;
  }

  /**
   * Creates a runner.
   *
   * @param database database of the transactions
   * @return new runner; needs no closing
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
      // Also after a failed commit: no transaction may stay open on the connection.
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
