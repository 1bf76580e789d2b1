package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads the oldest rows of each shard, without those in the relay's memory and those that must
 * wait. The reads take no locks and do not depend on how far an earlier one came, so that a row
 * that commits late is in the next one. Immutable.
 */
final class RowReader {

  /**
   * The rows to read.
   *
   * @param shards the shards, in the order in which they are read
   * @param after for each shard, an id at or below which it has no rows
   * @param inMemory rows to leave out because the relay has them
   * @param excluded destinations to leave out
   * @param retries whether messages may be waiting for their next attempt
   * @param each the maximum number of rows of a shard
   * @param limit the maximum number of rows
   * @param maxInlineBytes the size up to which a body is read too
   */
  record Query(
      List<Integer> shards,
      long[] after,
      Collection<OutboxRow> inMemory,
      Collection<String> excluded,
      boolean retries,
      int each,
      int limit,
      long maxInlineBytes) {}

  private final DatabaseRows rows;
  private final String blocked;

  RowReader(JdbcDatabase database) {
    this.rows = DatabaseRows.of(database);
    this.blocked =
        new OutboxSql(database)
            .text(
                """
                SELECT destination, msg_key FROM @retry
                WHERE msg_key IS NOT NULL AND (next_at IS NULL OR next_at > @now)
                """);
  }

  /**
   * Reads rows, in ascending order of id. A key that is unblocked during the read waits for the
   * next one. Only that one certainly sees a row that was put back before the later rows of its
   * key.
   */
  List<OutboxRow> read(Connection connection, Query query) throws SQLException {
    Set<String> lanes = query.retries() ? blockedLanes(connection) : Set.of();
    List<OutboxRow> found = rows.read(connection, query);
    found.sort(Comparator.comparingLong(OutboxRow::id));
    found.removeIf(row -> row.lane() != null && lanes.contains(row.lane()));
    return found;
  }

  private Set<String> blockedLanes(Connection connection) throws SQLException {
    Set<String> lanes = new HashSet<>();
    try (Statement select = connection.createStatement();
        ResultSet found = select.executeQuery(blocked)) {
      while (found.next()) {
        lanes.add(OutboxRow.lane(found.getString(1), found.getString(2)));
      }
    }
    return lanes;
  }
}
