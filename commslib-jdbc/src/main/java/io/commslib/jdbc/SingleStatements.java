package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;

/**
 * Runs statements that each commit by themselves, which saves the round trip of a commit. For the
 * stores of the library's modules. Thread-safe; keeps no connection between calls.
 *
 * <p>The connection is returned to the data source unchanged, as by {@link JdbcTransactionRunner}.
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
     * @param connection in auto-commit mode, valid until this method returns
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
   * Returns a runner of statements that work in any isolation.
   *
   * @param database database of the statements
   * @return new runner
   */
  public static SingleStatements on(JdbcDatabase database) {
    return new SingleStatements(database, false);
  }

  /**
   * Returns a runner of statements that need isolation READ COMMITTED on MySQL and MariaDB: in
   * their default isolation a change locks, and waits for, each row that it only scans. On other
   * databases it is the same as {@link #on}.
   *
   * @param database database of the statements
   * @return new runner
   */
  public static SingleStatements readingCommittedOn(JdbcDatabase database) {
    return new SingleStatements(database, database.dialect().isMySql());
  }

  /**
   * Runs statements on a connection in auto-commit mode. Blocks.
   *
   * @param <T> type of the result
   * @param doing name of the operation for error texts, one or two words
   * @param work the statements
   * @return its result
   * @throws SQLException as the work throws it
   * @throws io.commslib.core.StoreException if no connection was available; nothing was done
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
    } catch (SQLException e) {
      database.sharedSessions().note(SqlErrors.translate(doing, e));
      throw e;
    } finally {
      borrowed.giveBack();
    }
  }
}
