package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import java.util.TreeSet;

/**
 * Destinations to which nothing is published until an operator resumes them, stored in a table for
 * all relays. The names that a relay has read may be two seconds old.
 */
final class DestinationStops {

  private final String select;
  private final SqlStatement insert;
  private final SqlStatement delete;
  private Set<String> names = Set.of();

  DestinationStops(JdbcDatabase database) {
    this.select = OutboxSql.of(database, "SELECT destination FROM @pause");
    this.insert =
        OutboxSql.statement(
            database,
            """
            INSERT INTO @pause (destination, paused_at, cause)
            VALUES (?, @now, ?) @or_ignore_duplicate
            """);
    this.delete = OutboxSql.statement(database, "DELETE FROM @pause WHERE destination = ?");
  }

  /** The stopped destinations as of the last {@link #refresh}. */
  Set<String> names() {
    return names;
  }

  void refresh(Connection connection) throws SQLException {
    names = read(connection);
  }

  Set<String> read(Connection connection) throws SQLException {
    Set<String> found = new TreeSet<>();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(select)) {
      while (row.next()) {
        found.add(row.getString(1));
      }
    }
    return found;
  }

  /** Stops a destination; returns false if it was stopped already. */
  boolean stop(Connection connection, String destination, String cause) throws SQLException {
    if (read(connection).contains(destination)) {
      return false;
    }
    try {
      return insert.update(connection, destination, cause) == 1;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw e;
    }
  }

  /** Resumes a destination; returns false if it was not stopped. */
  boolean resume(Connection connection, String destination) throws SQLException {
    return delete.update(connection, destination) == 1;
  }
}
