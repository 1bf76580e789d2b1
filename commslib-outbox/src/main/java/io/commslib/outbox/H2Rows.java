package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.function.IntFunction;

/** The statements of H2, which reads and deletes rows one by one. */
final class H2Rows extends UnionRows {

  private final String readBody;
  private final String deleteMessage;
  private final String deleteRetry;
  private final String lock;
  private final String copyToArchive;

  H2Rows(JdbcDatabase database) {
    super(database);
    this.readBody =
        sql.text("SELECT id, payload, headers FROM @message WHERE shard = ? AND id = ?");
    this.deleteMessage = sql.text("DELETE FROM @message WHERE shard = ? AND id = ?");
    this.deleteRetry = sql.text("DELETE FROM @retry WHERE shard = ? AND message_row = ?");
    this.lock = sql.text("SELECT id FROM @message WHERE shard = ? AND id = ? FOR UPDATE");
    // The day is that of UTC, so that a purge does not depend on the session's time zone.
    this.copyToArchive =
        sql.text(
            """
            INSERT INTO @archive (shard, id, destination, msg_key, payload, headers, created_at,
              archived_day, archived_at)
            SELECT shard, id, destination, msg_key, payload, headers, created_at,
              CAST(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' AS date), @now
            FROM @message WHERE shard = ? AND id = ?
            """);
  }

  @Override
  IntFunction<String> conditions(RowReader.Query query) {
    String conditions =
        (query.excluded().isEmpty() ? "" : " AND NOT (m.destination = ANY(?))")
            + (query.inMemory().isEmpty() ? "" : " AND NOT (m.id = ANY(?))")
            + notWaiting(query);
    return shard -> conditions;
  }

  @Override
  int bind(Connection connection, PreparedStatement select, int first, RowReader.Query query)
      throws SQLException {
    int index = first;
    if (!query.excluded().isEmpty()) {
      select.setArray(index++, connection.createArrayOf("varchar", query.excluded().toArray()));
    }
    if (!query.inMemory().isEmpty()) {
      Object[] ids = query.inMemory().stream().map(OutboxRow::id).toArray();
      select.setArray(index++, connection.createArrayOf("bigint", ids));
    }
    return index;
  }

  @Override
  void readBodies(Connection connection, List<OutboxRow> rows, BodyConsumer found)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(readBody)) {
      for (OutboxRow row : rows) {
        setPlace(select, row);
        try (ResultSet result = select.executeQuery()) {
          while (result.next()) {
            found.accept(result);
          }
        }
      }
    }
  }

  @Override
  void delete(Connection connection, List<OutboxRow> rows, boolean retries) throws SQLException {
    deleteEach(connection, deleteMessage, rows);
    if (retries) {
      deleteEach(connection, deleteRetry, rows);
    }
  }

  private static void deleteEach(Connection connection, String statement, List<OutboxRow> rows)
      throws SQLException {
    try (PreparedStatement delete = connection.prepareStatement(statement)) {
      for (OutboxRow row : rows) {
        setPlace(delete, row);
        delete.addBatch();
      }
      delete.executeBatch();
    }
  }

  @Override
  void archive(Connection connection, List<OutboxRow> rows) throws SQLException {
    try (PreparedStatement locking = connection.prepareStatement(lock);
        PreparedStatement copying = connection.prepareStatement(copyToArchive);
        PreparedStatement deleting = connection.prepareStatement(deleteMessage)) {
      for (OutboxRow row : rows) {
        setPlace(locking, row);
        locking.executeQuery().close();
        setPlace(copying, row);
        copying.executeUpdate();
        setPlace(deleting, row);
        deleting.executeUpdate();
      }
    }
  }
}
