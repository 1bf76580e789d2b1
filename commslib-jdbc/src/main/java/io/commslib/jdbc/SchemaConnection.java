package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A borrowed connection for schema scripts, with auto-commit off. Closing it rolls back an open
 * transaction and returns it with its original settings; a connection that can't be restored is
 * destroyed.
 */
final class SchemaConnection implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(SchemaConnection.class);

  private final Connection connection;
  private final boolean autoCommit;
  private Runnable restoreNames = SharedSessions.UNCHANGED;
  private final Deque<String> undo = new ArrayDeque<>();

  private SchemaConnection(Connection connection, boolean autoCommit) {
    this.connection = connection;
    this.autoCommit = autoCommit;
  }

  static SchemaConnection of(JdbcDatabase database) throws SQLException {
    Connection connection = database.dataSource().getConnection();
    try {
      SchemaConnection loan = new SchemaConnection(connection, connection.getAutoCommit());
      loan.restoreNames = database.sharedSessions().stopNames(connection);
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
      restore();
    } catch (SQLException e) {
      log.debug("a connection could not be closed", e);
    }
  }

  private void restore() throws SQLException {
    try {
      connection.rollback();
      for (String sql : undo) {
        execute(sql);
      }
      if (autoCommit) {
        connection.setAutoCommit(true);
      }
      restoreNames.run();
    } catch (SQLException e) {
      // After a failed rollback switching auto-commit on would commit. Not every pool notices.
      log.debug("a connection can't be restored and is closed", e);
      connection.abort(Runnable::run);
    }
  }
}
