package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the relay reads: the oldest rows of each shard, without those it holds and those that must
 * wait. Plain reads, no locks, and no memory of how far an earlier one came: a row that commits
 * late is simply there for the next one.
 */
final class RowReader {

  /**
   * What to read.
   *
   * @param shards in this order
   * @param after of each the id below which there are no rows any more
   * @param held rows that are not wanted again
   * @param excluded destinations that are not wanted now
   * @param retries whether messages may be waiting for their next attempt
   * @param each how many rows of a shard at most
   * @param limit how many rows at most
   * @param inline up to which size bodies are read too
   */
  record Query(
      List<Integer> shards,
      long[] after,
      Collection<OutboxRow> held,
      Collection<String> excluded,
      boolean retries,
      int each,
      int limit,
      long inline) {}

  private static final String COLUMNS = "m.shard, m.id, m.destination, m.msg_key, ";

  private final JdbcDatabase database;
  private final String message;
  private final String retry;

  RowReader(JdbcDatabase database) {
    this.database = database;
    this.message = database.table("outbox_message");
    this.retry = database.table("outbox_retry");
  }

  /**
   * Reads rows, in ascending order of id. A key that is unblocked while this looks waits for the
   * next look: only then is it certain that what was put back before its later rows is seen too.
   */
  List<OutboxRow> read(Connection connection, Query query) throws SQLException {
    Set<String> blocked = query.retries() ? blockedLanes(connection) : Set.of();
    List<OutboxRow> rows = readRows(connection, query);
    rows.removeIf(row -> row.lane() != null && blocked.contains(row.lane()));
    return rows;
  }

  private Set<String> blockedLanes(Connection connection) throws SQLException {
    Set<String> lanes = new HashSet<>();
    try (Statement select = connection.createStatement();
        ResultSet found =
            select.executeQuery(
                "SELECT destination, msg_key FROM "
                    + retry
                    + " WHERE msg_key IS NOT NULL AND (next_at IS NULL OR next_at > "
                    + database.dialect().now()
                    + ")")) {
      while (found.next()) {
        lanes.add(OutboxRow.lane(found.getString(1), found.getString(2)));
      }
    }
    return lanes;
  }

  private List<OutboxRow> readRows(Connection connection, Query query) throws SQLException {
    boolean lateral = database.dialect() == SqlDialect.POSTGRESQL;
    String sql = lateral ? lateral(query) : union(query);
    List<OutboxRow> rows = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      int index = 1;
      if (lateral) {
        select.setArray(
            index++,
            connection.createArrayOf(
                "smallint", query.shards().stream().map(Integer::shortValue).toArray()));
        select.setObject(index++, query.after());
      }
      for (int i = 0; i < (lateral ? 1 : query.shards().size()); i++) {
        index = bindFilter(connection, select, index, query);
      }
      try (ResultSet found = lateral ? PostgresRows.second(select) : select.executeQuery()) {
        while (found.next()) {
          rows.add(RowBodyReader.row(found, found.getString(3)));
        }
      }
    }
    rows.sort(Comparator.comparingLong(OutboxRow::id));
    return rows;
  }

  /** One text and one plan whatever the shards; stops as soon as there are enough rows. */
  private String lateral(Query query) {
    return PostgresRows.byKey(7)
        + "SELECT "
        + COLUMNS
        + "m.payload, m.headers, m.missing"
        + " FROM unnest(?::smallint[], ?::bigint[]) AS s(shard, after) CROSS JOIN LATERAL (SELECT "
        + COLUMNS
        + RowBodyReader.columns(query.inline())
        + " FROM "
        + message
        + " m WHERE m.shard = s.shard AND m.id > s.after"
        + filter(query)
        + " ORDER BY m.id LIMIT "
        + query.limit()
        + ") m LIMIT "
        + query.limit();
  }

  /**
   * H2 and MariaDB know no LATERAL and read every part of a union before they count: so each is
   * kept short.
   */
  private String union(Query query) {
    Map<Integer, String> held =
        database.dialect().isMySql() ? RowIds.byShard(query.held()) : Map.of();
    return query.shards().stream()
            .map(
                shard ->
                    "(SELECT "
                        + COLUMNS
                        + RowBodyReader.columns(query.inline())
                        + " FROM "
                        + message
                        + " m WHERE m.shard = "
                        + shard
                        + (held.containsKey(shard)
                            ? " AND m.id NOT IN (" + held.get(shard) + ")"
                            : "")
                        + filter(query)
                        + " ORDER BY m.id LIMIT "
                        + query.each()
                        + ")")
            .collect(Collectors.joining(" UNION ALL ", "SELECT * FROM (", ") m LIMIT "))
        + query.limit();
  }

  private String filter(Query query) {
    StringBuilder filter = new StringBuilder();
    if (database.dialect().isMySql()) {
      filter.append(" AND m.destination <> ?".repeat(query.excluded().size()));
    } else {
      filter.append(query.excluded().isEmpty() ? "" : " AND NOT (m.destination = ANY(?))");
      filter.append(query.held().isEmpty() ? "" : notHeld());
    }
    if (query.retries()) {
      filter
          .append(" AND NOT EXISTS (SELECT 1 FROM ")
          .append(retry)
          .append(" r WHERE r.shard = m.shard AND (r.message_row = m.id")
          .append(" OR (r.msg_key = m.msg_key AND r.destination = m.destination))")
          .append(" AND (r.next_at IS NULL OR r.next_at > ")
          .append(database.dialect().now())
          .append("))");
    }
    return filter.toString();
  }

  private String notHeld() {
    return database.dialect() == SqlDialect.POSTGRESQL
        ? PostgresRows.NOT_LISTED
        : " AND NOT (m.id = ANY(?))";
  }

  private int bindFilter(Connection connection, PreparedStatement select, int first, Query query)
      throws SQLException {
    int index = first;
    if (database.dialect().isMySql()) {
      for (String destination : query.excluded()) {
        select.setString(index++, destination);
      }
      return index;
    }
    if (!query.excluded().isEmpty()) {
      select.setArray(index++, connection.createArrayOf("varchar", query.excluded().toArray()));
    }
    if (!query.held().isEmpty()) {
      Object[] ids = query.held().stream().map(OutboxRow::id).toArray();
      select.setArray(index++, connection.createArrayOf("bigint", ids));
    }
    return index;
  }
}
