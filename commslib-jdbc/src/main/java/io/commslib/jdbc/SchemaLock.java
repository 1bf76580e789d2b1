package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * Lets one process at a time change a database's tables; others wait. PostgreSQL holds the lock in
 * the transaction that changes them. The others commit with each change of a table: MySQL and
 * MariaDB hold it in the session, on H2 a connection of its own does.
 */
final class SchemaLock implements AutoCloseable {

  private static final int H2_WAIT_MILLIS = 60_000;
  private static final long POSTGRESQL_KEY = 7_205_759_403_792_801L;

  private static final int MYSQL_WAIT_SECONDS = 60;
  private static final String MYSQL_NAME = "'commslib_schema'";

  private final @Nullable Connection session;
  private final @Nullable Connection own;
  private final int usualTimeout;

  private SchemaLock(@Nullable Connection session, @Nullable Connection own, int usualTimeout) {
    this.session = session;
    this.own = own;
    this.usualTimeout = usualTimeout;
  }

  static SchemaLock take(JdbcDatabase database, Connection working) throws SQLException {
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      execute(working, "SELECT pg_advisory_xact_lock(" + POSTGRESQL_KEY + ")");
      return new SchemaLock(null, null, 0);
    }
    if (database.dialect().isMySql()) {
      return inSession(working);
    }
    Connection connection = database.dataSource().getConnection();
    SchemaLock lock = new SchemaLock(null, connection, lockTimeout(connection));
    try {
      connection.setAutoCommit(false);
      execute(connection, "SET LOCK_TIMEOUT " + H2_WAIT_MILLIS);
      execute(
          connection,
          "CREATE TABLE IF NOT EXISTS PUBLIC.COMMSLIB_SCHEMA_LOCK (ID INT PRIMARY KEY)");
      execute(connection, "MERGE INTO PUBLIC.COMMSLIB_SCHEMA_LOCK KEY (ID) VALUES (1)");
      return lock;
    } catch (SQLException e) {
      lock.close();
      throw e;
    }
  }

  private static SchemaLock inSession(Connection working) throws SQLException {
    try (Statement statement = working.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT GET_LOCK(" + MYSQL_NAME + ", " + MYSQL_WAIT_SECONDS + ")")) {
      row.next();
      if (row.getInt(1) != 1) {
        throw new SQLException("another process changes the schema", "40001");
      }
    }
    return new SchemaLock(working, null, 0);
  }

  private static int lockTimeout(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("CALL LOCK_TIMEOUT()")) {
      row.next();
      return row.getInt(1);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() throws SQLException {
    if (session != null) {
      execute(session, "SELECT RELEASE_LOCK(" + MYSQL_NAME + ")");
    }
    if (own == null) {
      return;
    }
    try (Connection closing = own) {
      closing.rollback();
      execute(closing, "SET LOCK_TIMEOUT " + usualTimeout);
      closing.setAutoCommit(true);
    }
  }
}
