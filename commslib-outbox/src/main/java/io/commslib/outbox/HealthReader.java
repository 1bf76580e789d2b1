package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Measures the tables; each statement reads a bounded number of rows. */
final class HealthReader {

  private static final int OLDEST_OF_SHARD = 200;

  private final JdbcDatabase database;
  private final String message;
  private final int shards;

  HealthReader(JdbcDatabase database, int shards) {
    this.database = database;
    this.message = database.table("outbox_message");
    this.shards = shards;
  }

  OutboxHealth read(Connection connection, ShardLeases leases, Duration lag) throws SQLException {
    Backlog counts = Backlog.measure(connection, database, shards, List.of(), 0);
    boolean postgres = database.dialect() == SqlDialect.POSTGRESQL;
    long live = 0;
    long dead = 0;
    Duration snapshot = Duration.ZERO;
    if (postgres) {
      String statistics = " FROM pg_stat_all_tables WHERE relid = '" + message + "'::regclass";
      live = number(connection, "SELECT n_live_tup" + statistics);
      dead = number(connection, "SELECT n_dead_tup" + statistics);
      snapshot =
          Duration.ofMillis(
              number(
                  connection,
                  "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start) * 1000),"
                      + " 0)::bigint FROM pg_stat_activity WHERE datname = current_database()"
                      + " AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"));
    }
    long backlog = counts.rows() < Backlog.LIMIT ? counts.rows() : Math.max(Backlog.LIMIT, live);
    return new OutboxHealth(
        oldest(connection),
        backlog,
        counts.parked(),
        counts.outside(),
        leases.unowned(connection),
        leases.current().epochs().size(),
        lag,
        leases.losses(),
        new DestinationStops(database).read(connection),
        dead,
        snapshot);
  }

  private Map<String, Duration> oldest(Connection connection) throws SQLException {
    Map<String, Duration> ages = new TreeMap<>();
    String sql =
        "SELECT destination, min(created_at), "
            + database.dialect().now()
            + " FROM (SELECT destination, created_at FROM "
            + message
            + " WHERE shard = ? ORDER BY id LIMIT "
            + OLDEST_OF_SHARD
            + ") x GROUP BY destination";
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      for (int shard = 0; shard < shards; shard++) {
        select.setInt(1, shard);
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            Duration age =
                Duration.between(
                    database.dialect().instant(row, 2), database.dialect().instant(row, 3));
            ages.merge(row.getString(1), age, (a, b) -> a.compareTo(b) > 0 ? a : b);
          }
        }
      }
    }
    return ages;
  }

  private static long number(Connection connection, String sql) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(sql);
        ResultSet row = select.executeQuery()) {
      return row.next() ? row.getLong(1) : 0;
    }
  }
}
