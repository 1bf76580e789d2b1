package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The two statements of a relay under way on PostgreSQL, each a transaction of its own: one reads
 * all owned shards, one deletes what is confirmed and tells who owns what.
 */
final class PostgresRows {

  private static final String COLUMNS =
      "m.shard, m.id, m.destination, m.msg_key, m.payload, m.headers";

  private final String message;
  private final String delete;
  private final String epochs;
  private final String deleteRetries;

  PostgresRows(JdbcDatabase database) {
    this.message = database.table("outbox_message");
    // Losing this commit only means publishing again, so nobody waits for the disk.
    this.delete =
        "WITH off AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),"
            + " gone AS (DELETE FROM "
            + message
            + " t USING unnest(?::smallint[], ?::bigint[]) AS d(shard, id)"
            + " WHERE t.shard = d.shard AND t.id = d.id)";
    this.deleteRetries =
        ", retried AS (DELETE FROM "
            + database.table("outbox_retry")
            + " t USING unnest(?::smallint[], ?::bigint[]) AS d(shard, id)"
            + " WHERE t.shard = d.shard AND t.message_row = d.id)";
    this.epochs =
        " SELECT s.shard, s.epoch FROM off LEFT JOIN "
            + database.table("outbox_shard")
            + " s ON s.owner = ?";
  }

  /**
   * Reads rows, oldest of each shard first.
   *
   * @param shards in this order
   * @param after behind which id of each to begin
   * @param held ids to leave out
   * @param window how many of a shard at most
   * @param limit how many at most
   */
  List<OutboxRow> read(
      Connection connection, List<Integer> shards, long[] after, long[] held, int window, int limit)
      throws SQLException {
    String sql =
        "SELECT "
            + COLUMNS
            + " FROM unnest(?::smallint[], ?::bigint[]) AS s(shard, after)"
            + " CROSS JOIN LATERAL (SELECT "
            + COLUMNS
            + " FROM "
            + message
            + " m WHERE m.shard = s.shard AND m.id > s.after"
            + (held.length == 0 ? "" : " AND m.id <> ALL(?)")
            + " ORDER BY m.id LIMIT "
            + window
            + ") m LIMIT "
            + limit;
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setFetchSize(0);
      select.setObject(1, shorts(shards));
      select.setObject(2, after);
      if (held.length > 0) {
        select.setObject(3, held);
      }
      try (ResultSet found = select.executeQuery()) {
        return rows(found);
      }
    }
  }

  private static List<OutboxRow> rows(ResultSet found) throws SQLException {
    List<OutboxRow> rows = new ArrayList<>();
    String destination = "";
    while (found.next()) {
      String to = found.getString(3);
      // Rows of one destination share its text, which is compared and looked up often.
      destination = to.equals(destination) ? destination : to;
      rows.add(
          new OutboxRow(
              found.getShort(1),
              found.getLong(2),
              destination,
              found.getString(4),
              found.getBytes(5),
              found.getString(6)));
    }
    return rows;
  }

  /**
   * Deletes confirmed rows by explicit id, never by range.
   *
   * @return the epochs of the shards the node owns
   */
  Map<Integer, Long> acknowledge(
      Connection connection, List<OutboxRow> rows, boolean retries, String node)
      throws SQLException {
    short[] shards = new short[rows.size()];
    long[] ids = new long[rows.size()];
    for (int i = 0; i < ids.length; i++) {
      shards[i] = (short) rows.get(i).shard();
      ids[i] = rows.get(i).id();
    }
    try (PreparedStatement statement =
        connection.prepareStatement(delete + (retries ? deleteRetries : "") + epochs)) {
      int index = 1;
      for (int list = 0; list < (retries ? 2 : 1); list++) {
        statement.setObject(index++, shards);
        statement.setObject(index++, ids);
      }
      statement.setString(index, node);
      Map<Integer, Long> owned = new HashMap<>();
      try (ResultSet found = statement.executeQuery()) {
        while (found.next()) {
          int shard = found.getInt(1);
          if (!found.wasNull()) {
            owned.put(shard, found.getLong(2));
          }
        }
      }
      return owned;
    }
  }

  private static short[] shorts(List<Integer> numbers) {
    short[] shorts = new short[numbers.size()];
    for (int i = 0; i < shorts.length; i++) {
      shorts[i] = numbers.get(i).shortValue();
    }
    return shorts;
  }
}
