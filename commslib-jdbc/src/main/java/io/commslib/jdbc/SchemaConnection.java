package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import javax.sql.DataSource;

/**
 * A borrowed connection for schema scripts, with auto-commit off. Closing it rolls back an open
 * transaction and returns it with its original settings.
 */
final class SchemaConnection implements AutoCloseable {

  private final Connection connection;
  private final boolean autoCommit;
  private final Deque<String> undo = new ArrayDeque<>();

  private SchemaConnection(Connection connection, boolean autoCommit) {
    this.connection = connection;
    this.autoCommit = autoCommit;
  }

  static SchemaConnection of(DataSource source) throws SQLException {
    Connection connection = source.getConnection();
    try {
      SchemaConnection loan = new SchemaConnection(connection, connection.getAutoCommit());
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

  /** Returns the number in the first row; 0 for null. */
  long number(String sql) throws SQLException {
    return PlainSql.number(connection, sql);
  }

  /**
   * Registers a statement that runs on close, after the rollback; the last one registered runs
   * first.
   */
  void onClose(String sql) {
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
      // The connection is broken; after a failed rollback switching auto-commit on would commit.
    }
  }
}
