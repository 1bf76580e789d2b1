package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.Purge;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;

/** Keeps what was published, if configured: rows are moved in the acknowledgement's transaction. */
final class RowArchive {

  private static final String COLUMNS =
      "shard, id, destination, msg_key, payload, headers, created_at";

  private final JdbcDatabase database;
  private final String message;
  private final String archive;

  RowArchive(JdbcDatabase database) {
    this.database = database;
    this.message = database.table("outbox_message");
    this.archive = database.table("outbox_archive");
  }

  /**
   * Copies rows that are still there and leaves none of them: two owners that acknowledge the same
   * row archive it once.
   */
  void move(Connection connection, List<OutboxRow> rows) throws SQLException {
    String insert = "INSERT INTO " + archive + " (" + COLUMNS + ", archived_day, archived_at) ";
    // The day is that of UTC, so that a purge does not depend on who asks.
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      String sql =
          PostgresRows.deletes(1)
              + "WITH gone AS (DELETE FROM "
              + message
              + PostgresRows.listed(message, "id")
              + " RETURNING *) "
              + insert
              + "SELECT "
              + COLUMNS
              + ", (clock_timestamp() AT TIME ZONE 'UTC')::date, clock_timestamp() FROM gone";
      try (PreparedStatement move = connection.prepareStatement(sql)) {
        PostgresRows.setList(move, 1, rows);
        move.execute();
      }
      return;
    }
    if (database.dialect().isMySql()) {
      moveListed(connection, insert, rows);
      return;
    }
    String where = " WHERE shard = ? AND id = ?";
    try (PreparedStatement lock =
            connection.prepareStatement("SELECT id FROM " + message + where + " FOR UPDATE");
        PreparedStatement copy =
            connection.prepareStatement(
                insert
                    + "SELECT "
                    + COLUMNS
                    + ", CAST("
                    + "CURRENT_TIMESTAMP AT TIME ZONE 'UTC'"
                    + " AS date), "
                    + database.dialect().now()
                    + " FROM "
                    + message
                    + where);
        PreparedStatement delete = connection.prepareStatement("DELETE FROM " + message + where)) {
      for (OutboxRow row : rows) {
        for (PreparedStatement each : List.of(lock, copy, delete)) {
          each.setInt(1, row.shard());
          each.setLong(2, row.id());
        }
        lock.executeQuery().close();
        copy.executeUpdate();
        delete.executeUpdate();
      }
    }
  }

  private void moveListed(Connection connection, String insert, List<OutboxRow> rows)
      throws SQLException {
    String listed = RowIds.listed(message, "id");
    String list = RowIds.list(rows);
    try (PreparedStatement lock =
        connection.prepareStatement("SELECT t.id FROM " + listed + " FOR UPDATE")) {
      lock.setString(1, list);
      lock.executeQuery().close();
    }
    String columns = "t." + COLUMNS.replace(", ", ", t.");
    RowTables.update(
        connection,
        insert + "SELECT " + columns + ", utc_date(), utc_timestamp(6) FROM " + listed,
        list);
    RowTables.update(connection, "DELETE t FROM " + listed, list);
  }

  /** Deletes at most so many rows archived on an earlier day. */
  int purge(Connection connection, LocalDate before, int limit) throws SQLException {
    String earlier = "archived_day < DATE '" + before + "'";
    return Purge.of(database, "outbox_archive", List.of("archive_id"), earlier, limit)
        .run(connection);
  }
}
