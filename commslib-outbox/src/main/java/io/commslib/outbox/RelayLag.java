package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;

/**
 * Measures the time from a message's insert to its deletion after the confirmation, by the
 * database's clock only. It samples one row every two seconds, so that it costs next to nothing.
 * Written by the thread that deletes, read by any.
 */
final class RelayLag {

  private static final long SAMPLE_INTERVAL_NANOS = 2_000_000_000L;

  private final TimeSource time;
  private final SqlDialect dialect;
  private final String sql;
  private long lastSample;
  private volatile Duration last = Duration.ZERO;

  RelayLag(JdbcDatabase database, TimeSource time) {
    this.time = time;
    this.dialect = database.dialect();
    this.lastSample = time.nanoTime() - SAMPLE_INTERVAL_NANOS;
    this.sql =
        OutboxSql.of(database, "SELECT created_at, @now FROM @message WHERE shard = ? AND id = ?");
  }

  void sample(Connection connection, OutboxRow row) throws SQLException {
    long now = time.nanoTime();
    if (now - lastSample < SAMPLE_INTERVAL_NANOS) {
      return;
    }
    lastSample = now;
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setInt(1, row.shard());
      select.setLong(2, row.id());
      try (ResultSet found = select.executeQuery()) {
        if (found.next()) {
          last = Duration.between(dialect.instant(found, 1), dialect.instant(found, 2));
        }
      }
    }
  }

  Duration last() {
    return last;
  }
}
