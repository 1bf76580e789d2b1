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

/** Measures the outbox. Each statement reads a bounded number of rows. Immutable. */
final class HealthReader {

  private static final int OLDEST_OF_SHARD = 200;

  private final JdbcDatabase database;
  private final DatabaseRows rows;
  private final int shards;
  private final String oldestOfShard;

  HealthReader(JdbcDatabase database, int shards) {
    this.database = database;
    this.rows = DatabaseRows.of(database);
    this.shards = shards;
    this.oldestOfShard =
        new OutboxSql(database)
            .template(
                """
                SELECT destination, min(created_at), @now
                FROM (
                  SELECT destination, created_at FROM @message
                  WHERE shard = ? ORDER BY id LIMIT {limit}) x
                GROUP BY destination
                """)
            .with(OLDEST_OF_SHARD);
  }

  OutboxHealth read(Connection connection, ShardLeases leases, Duration lag) throws SQLException {
    Backlog counts = Backlog.measure(connection, database, shards, List.of(), 0);
    TableStatistics statistics = rows.statistics(connection);
    long backlog =
        counts.rows() < Backlog.LIMIT ? counts.rows() : Math.max(Backlog.LIMIT, statistics.live());
    return new OutboxHealth.Builder()
        .messages(oldestAges(connection), backlog, counts.parked(), counts.outside())
        .shards(leases.unowned(connection), leases.current().epochs().size(), leases.losses())
        .lag(lag)
        .stoppedDestinations(new DestinationStops(database).read(connection))
        .statistics(statistics)
        .build();
  }

  private Map<String, Duration> oldestAges(Connection connection) throws SQLException {
    Map<String, Duration> ages = new TreeMap<>();
    SqlDialect dialect = database.dialect();
    try (PreparedStatement select = connection.prepareStatement(oldestOfShard)) {
      for (int shard = 0; shard < shards; shard++) {
        select.setInt(1, shard);
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            Duration age = Duration.between(dialect.instant(row, 2), dialect.instant(row, 3));
            ages.merge(row.getString(1), age, (a, b) -> a.compareTo(b) > 0 ? a : b);
          }
        }
      }
    }
    return ages;
  }
}
