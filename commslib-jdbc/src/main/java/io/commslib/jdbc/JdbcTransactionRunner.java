package io.commslib.jdbc;

import io.commslib.core.Failures;
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
 *
 * <pre>{@code
 * String orderId =
 *     transactions.run(
 *         tx -> {
 *           Connection connection = JdbcTransactions.connection(tx);
 *           try (var insert = connection.prepareStatement("SELECT 'o-1'");
 *               var row = insert.executeQuery()) {
 *             row.next();
 *             return row.getString(1);
 *           }
 *         });
 * }</pre>
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
      throw this.<X>rolledBack(borrowed, tx, failure);
    }
    if (commits) {
      borrowed.giveBack();
      tx.runHooks();
    } else {
      RuntimeException swallowed = tx.failure();
      if (swallowed != null) {
        throw this.<RuntimeException>rolledBack(borrowed, tx, swallowed);
      }
      borrowed.rollBack();
      borrowed.giveBack();
    }
    return result;
  }

  /** Rolls back and returns what to throw. */
  private <X extends Exception> X rolledBack(
      BorrowedConnection borrowed, JdbcTransaction tx, Throwable failure) {
    try {
      X thrown =
          SqlErrors.workFailure(
              "COMMS-JDBC-001",
              SqlErrors.decisive(failure, tx.failure()),
              tx.connection(),
              database);
      // Also after a failed commit: no transaction may stay open on the connection.
      endTransaction(borrowed, thrown);
      return thrown;
    } catch (RuntimeException | Error thrown) {
      endTransaction(borrowed, thrown);
      throw thrown;
    } finally {
      borrowed.giveBack();
    }
  }

  private static void endTransaction(BorrowedConnection borrowed, Throwable failure) {
    if (Failures.isWrongSession(failure)) {
      // Another statement might be run in place of ROLLBACK too.
      borrowed.destroyOnReturn();
    } else {
      borrowed.rollBack();
    }
  }

  private void commit(Connection connection, StatementFailures seen) {
    CommitCheck.refuseRolledBack(connection, database.dialect(), seen, true);
    try {
      connection.commit();
    } catch (SQLException e) {
      throw SqlErrors.translateCommit(e);
    }
    CommitCheck.refuseUncommitted(connection, database);
  }

  private BorrowedConnection borrow() {
    try {
      return BorrowedConnection.take(database, false, true);
    } catch (SQLException e) {
      throw database.sharedSessions().noted(SqlErrors.translateConnect("begin", e));
    }
  }
}
