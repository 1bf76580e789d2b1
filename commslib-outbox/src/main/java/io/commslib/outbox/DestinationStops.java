package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import java.util.TreeSet;

/**
 * Destinations for which nothing is published until somebody resumes them, kept in a table so that
 * all relays know. What a relay has read of it may be two seconds old.
 */
final class DestinationStops {

  private final JdbcDatabase database;
  private final String table;
  private Set<String> names = Set.of();

  DestinationStops(JdbcDatabase database) {
    this.database = database;
    this.table = database.table("outbox_pause");
  }

  /** As of the last {@link #refresh}. */
  Set<String> names() {
    return names;
  }

  void refresh(Connection connection) throws SQLException {
    names = read(connection);
  }

  Set<String> read(Connection connection) throws SQLException {
    Set<String> found = new TreeSet<>();
    try (Statement select = connection.createStatement();
        ResultSet row = select.executeQuery("SELECT destination FROM " + table)) {
      while (row.next()) {
        found.add(row.getString(1));
      }
    }
    return found;
  }

  /** Stops a destination; false if it was stopped already. */
  boolean stop(Connection connection, String destination, String cause) throws SQLException {
    if (read(connection).contains(destination)) {
      return false;
    }
    try {
      return RowTables.update(
              connection,
              "INSERT INTO "
                  + table
                  + " (destination, paused_at, cause) VALUES (?, "
                  + database.dialect().now()
                  + ", ?)"
                  + database.dialect().onConflictDoNothing(),
              destination,
              cause)
          == 1;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw e;
    }
  }

  boolean resume(Connection connection, String destination) throws SQLException {
    return RowTables.update(
            connection, "DELETE FROM " + table + " WHERE destination = ?", destination)
        == 1;
  }
}
