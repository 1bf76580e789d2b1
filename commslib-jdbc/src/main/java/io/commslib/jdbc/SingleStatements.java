package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;

/**
 * Runs statements that each commit by themselves, which saves the round trip of a commit. For the
 * stores of the library's modules. Thread-safe; holds no connection between calls.
 *
 * <p>The connection goes back to the data source as it came, as {@link JdbcTransactionRunner}'s do.
 */
public final class SingleStatements {

  /**
   * Some statements on one connection.
   *
   * @param <T> type of the result
   */
  @FunctionalInterface
  public interface Work<T> {

    /**
     * Runs them.
     *
     * @param connection in auto-commit mode; not to be kept
     * @return the result
     * @throws SQLException as the driver throws it
     */
    T run(Connection connection) throws SQLException;
  }

  private final JdbcDatabase database;
  private final boolean readCommitted;

  private SingleStatements(JdbcDatabase database, boolean readCommitted) {
    this.database = Objects.requireNonNull(database, "database");
    this.readCommitted = readCommitted;
  }

  /**
   * Returns a runner of statements for which the isolation does not matter.
   *
   * @param database where they run
   * @return new runner
   */
  public static SingleStatements on(JdbcDatabase database) {
    return new SingleStatements(database, false);
  }

  /**
   * Returns a runner of statements with isolation READ COMMITTED on MySQL and MariaDB, where at
   * their usual one a change locks, and waits for, each row it only passes over. Elsewhere it does
   * not matter.
   *
   * @param database where they run
   * @return new runner
   */
  public static SingleStatements readingCommittedOn(JdbcDatabase database) {
    return new SingleStatements(database, database.dialect().isMySql());
  }

  /**
   * Runs statements on a connection in auto-commit mode. Blocks.
   *
   * @param <T> type of the result
   * @param doing what is done, in a word or two
   * @param work what to run
   * @return its result
   * @throws SQLException what the work threw
   * @throws io.commslib.core.StoreException if no connection could be had: nothing was done
   */
  public <T> T run(String doing, Work<T> work) throws SQLException {
    BorrowedConnection borrowed;
    try {
      borrowed = BorrowedConnection.take(database, true, readCommitted);
    } catch (SQLException e) {
      throw SqlErrors.translateConnect(doing + ": connect", e);
    }
    try {
      return work.run(borrowed.connection());
    } finally {
      borrowed.giveBack();
    }
  }
}
