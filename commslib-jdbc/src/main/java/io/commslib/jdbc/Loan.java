package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import javax.sql.DataSource;

/**
 * A borrowed connection with auto-commit off. Closing rolls back what was not committed and gives
 * it back with the settings it came with.
 */
final class Loan implements AutoCloseable {

  private final Connection connection;
  private final boolean autoCommit;
  private final Deque<String> undo = new ArrayDeque<>();

  private Loan(Connection connection, boolean autoCommit) {
    this.connection = connection;
    this.autoCommit = autoCommit;
  }

  static Loan of(DataSource source) throws SQLException {
    Connection connection = source.getConnection();
    try {
      Loan loan = new Loan(connection, connection.getAutoCommit());
      connection.setAutoCommit(false);
      return loan;
    } catch (SQLException | RuntimeException e) {
      try (connection) {
        throw e;
      }
    }
  }

  Connection connection() {
    return connection;
  }

  void execute(String sql) throws SQLException {
    PlainSql.execute(connection, sql);
  }

  /** Returns the number that a query answers with; 0 for null. */
  long number(String sql) throws SQLException {
    return PlainSql.number(connection, sql);
  }

  /** Has a statement run when this closes, after the rollback; the last one added runs first. */
  void undoWith(String sql) {
    undo.push(sql);
  }

  @Override
  public void close() {
    try (connection) {
      connection.rollback();
      for (String sql : undo) {
        execute(sql);
      }
      if (autoCommit) {
        connection.setAutoCommit(true);
      }
    } catch (SQLException e) {
      // Broken: there is nothing left to give back, and after a failed rollback switching
      // auto-commit on would commit.
    }
  }
}
