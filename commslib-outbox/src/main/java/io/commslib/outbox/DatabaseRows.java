package io.commslib.outbox;

import io.commslib.core.messaging.Destination;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The statements about message rows that differ between databases, with one class per database.
 * Immutable.
 */
abstract class DatabaseRows {

  /** A message row that is not stored yet. */
  record NewRow(int shard, @Nullable String key, byte[] payload, String headers) {}

  /** The columns of a row before its body. */
  static final String IDENTITY = "m.shard, m.id, m.destination, m.msg_key";

  private static final String SIZE = "(octet_length(m.payload) + octet_length(m.headers))";

  /**
   * Payload and headers of a row {@code m}, and the number of their bytes if they were left out
   * because there are more than the limit. Databases know the size without reading the body.
   */
  private static final SqlTemplate BODY =
      new SqlTemplate(
          ("CASE WHEN $size <= {most} THEN m.payload END AS payload, "
                  + "CASE WHEN $size <= {most} THEN m.headers END AS headers, "
                  + "CASE WHEN $size <= {most} THEN 0 ELSE $size END AS missing")
              .replace("$size", SIZE));

  /** Leaves out rows that wait for their next attempt, and rows of the keys that these block. */
  private static final String NOT_WAITING =
      """
      AND NOT EXISTS (SELECT 1 FROM @retry r
        WHERE r.shard = m.shard
          AND (r.message_row = m.id
            OR (r.msg_key = m.msg_key AND r.destination = m.destination))
          AND (r.next_at IS NULL OR r.next_at > @now))
      """;

  final OutboxSql sql;
  private final String notWaiting;

  DatabaseRows(JdbcDatabase database) {
    this.sql = new OutboxSql(database);
    this.notWaiting = " " + sql.text(NOT_WAITING);
  }

  static DatabaseRows of(JdbcDatabase database) {
    return switch (database.dialect()) {
      case H2 -> new H2Rows(database);
      case MARIADB, MYSQL -> new MySqlRows(database);
      case POSTGRESQL -> new PostgresRows(database);
    };
  }

  /** Inserts several rows. Their ids ascend in the order given. */
  abstract void insert(Connection connection, Destination to, List<NewRow> rows)
      throws SQLException;

  /** Reads the oldest rows of each shard, without those that the query leaves out. */
  abstract List<OutboxRow> read(Connection connection, RowReader.Query query) throws SQLException;

  /** Reads id, payload and headers of rows, as far as they are still stored. */
  abstract void readBodies(Connection connection, List<OutboxRow> rows, BodyConsumer found)
      throws SQLException;

  /** Accepts a result set whose current row is an id, a payload and a header text. */
  interface BodyConsumer {
    void accept(ResultSet row) throws SQLException;
  }

  /**
   * Deletes rows by explicit id, never by range.
   *
   * @param retries whether some rows may have failed before, so that their retry state goes too
   */
  abstract void delete(Connection connection, List<OutboxRow> rows, boolean retries)
      throws SQLException;

  /**
   * Moves those of the rows that are still stored to the archive. Two owners that delete the same
   * row archive it once.
   */
  abstract void archive(Connection connection, List<OutboxRow> rows) throws SQLException;

  /** The clause of an INSERT that sets an id instead of drawing one. */
  String overridingId() {
    return "OVERRIDING SYSTEM VALUE";
  }

  /** Reads the statistics that the database keeps about the message table. */
  TableStatistics statistics(Connection connection) throws SQLException {
    return TableStatistics.NONE;
  }

  /** The condition on retry state, with a leading space; empty if the query does not need it. */
  final String notWaiting(RowReader.Query query) {
    return query.retries() ? notWaiting : "";
  }

  /** The columns of a row's body; larger bodies than the limit are left out. */
  static String body(long maxInlineBytes) {
    return BODY.with(maxInlineBytes, maxInlineBytes, maxInlineBytes);
  }

  /** Maps a row with the columns {@link #IDENTITY} and {@link #body}. */
  static OutboxRow row(ResultSet found, String destination) throws SQLException {
    int shard = found.getInt(1);
    long id = found.getLong(2);
    String key = found.getString(4);
    long missing = found.getLong(7);
    return missing == 0
        ? new OutboxRow(shard, id, destination, key, found.getBytes(5), found.getString(6))
        : OutboxRow.withoutBody(shard, id, destination, key, missing);
  }

  static void setPlace(PreparedStatement statement, OutboxRow row) throws SQLException {
    statement.setInt(1, row.shard());
    statement.setLong(2, row.id());
  }
}
