package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.Purge;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;

/**
 * The archive of published rows. Rows move to it in the transaction that completes them. Immutable.
 */
final class RowArchive {

  private final JdbcDatabase database;
  private final DatabaseRows rows;

  RowArchive(JdbcDatabase database) {
    this.database = database;
    this.rows = DatabaseRows.of(database);
  }

  /**
   * Moves those of the rows that are still stored. Two owners that delete the same row archive it
   * once.
   */
  void move(Connection connection, List<OutboxRow> published) throws SQLException {
    rows.archive(connection, published);
  }

  /**
   * Deletes rows that were archived before a day.
   *
   * @param limit the maximum number of rows
   * @return the number of deleted rows
   */
  int purge(Connection connection, LocalDate before, int limit) throws SQLException {
    String earlier = "archived_day < DATE '" + before + "'";
    return Purge.of(database, "outbox_archive", List.of("archive_id"), earlier, limit)
        .run(connection);
  }
}
