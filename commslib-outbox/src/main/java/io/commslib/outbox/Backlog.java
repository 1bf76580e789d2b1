package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;

/**
 * The backlog of an outbox. Counts stop at a limit, so that the cost of measuring does not grow
 * with the backlog. Immutable.
 *
 * @param oldest age of the oldest row in the relay's own shards; zero if there is none
 * @param rows the number of rows in all shards, at most {@link #LIMIT}
 * @param parked the number of parked rows, at most {@link #LIMIT}
 * @param unowned the number of shards without an owner
 * @param outside the number of rows in shards that no relay reads, at most {@link #LIMIT}
 */
record Backlog(Duration oldest, int rows, int parked, int unowned, int outside) {

  static final int LIMIT = 10_000;

  static final Backlog UNKNOWN = new Backlog(Duration.ZERO, 0, 0, 0, 0);

  static Backlog measure(
      Connection connection,
      JdbcDatabase database,
      int shards,
      Collection<Integer> owned,
      int unowned)
      throws SQLException {
    return new Backlog(
        oldest(connection, database, owned),
        count(connection, database.table("outbox_message")),
        count(connection, database.table("outbox_parked")),
        unowned,
        outside(connection, database, shards));
  }

  /** The number of messages in shards that no relay reads, including delayed messages. */
  static int outside(Connection connection, JdbcDatabase database, int shards) throws SQLException {
    String outside = " WHERE shard < 0 OR shard >= " + shards;
    return count(connection, database.table("outbox_message") + outside)
        + count(connection, database.table("outbox_delayed") + outside);
  }

  private static Duration oldest(
      Connection connection, JdbcDatabase database, Collection<Integer> owned) throws SQLException {
    Duration oldest = Duration.ZERO;
    SqlDialect dialect = database.dialect();
    try (PreparedStatement select =
        connection.prepareStatement(
            OutboxSql.of(
                database,
                "SELECT created_at, @now FROM @message WHERE shard = ? ORDER BY id LIMIT 1"))) {
      for (int shard : owned) {
        select.setInt(1, shard);
        try (ResultSet row = select.executeQuery()) {
          if (row.next()) {
            Duration age = Duration.between(dialect.instant(row, 1), dialect.instant(row, 2));
            oldest = age.compareTo(oldest) > 0 ? age : oldest;
          }
        }
      }
    }
    return oldest;
  }

  private static int count(Connection connection, String table) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT count(*) FROM (SELECT 1 FROM " + table + " LIMIT " + LIMIT + ") x")) {
      row.next();
      return row.getInt(1);
    }
  }

  void describe(Map<String, String> details) {
    details.put("oldestAgeMillis", Long.toString(oldest.toMillis()));
    details.put("backlog", atMost(rows));
    details.put("parked", atMost(parked));
    details.put("unownedShards", Integer.toString(unowned));
    details.put("outsideShards", atMost(outside));
  }

  /** A description of rows that no relay reads; empty if there are none. */
  String trouble(int shards) {
    return outside == 0 ? "" : outsideText(outside, shards);
  }

  static String outsideText(int outside, int shards) {
    return atMost(outside)
        + " messages are in shards that no relay reads (expected: 0.."
        + (shards - 1)
        + ")";
  }

  private static String atMost(int count) {
    return count < LIMIT ? Integer.toString(count) : LIMIT + " or more";
  }
}
