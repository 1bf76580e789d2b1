package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Up to which id no row can appear any more on PostgreSQL: the last one drawn before a snapshot
 * whose transactions have all ended. A snapshot held open, which keeps dead rows alive, does not
 * hold it back; an open transaction that writes does, which costs speed and loses nothing.
 */
final class SettledIds {

  private static final Logger log = LoggerFactory.getLogger(OutboxRelay.class);
  private static final long BETWEEN_NANOS = Duration.ofSeconds(1).toNanos();

  /** An id is drawn shortly before its transaction gets its number. */
  private static final long MARGIN_NANOS = Duration.ofSeconds(2).toNanos();

  private record Sample(long taken, long lastId, long end) {}

  private final String sql;
  private final String table;
  private Sample waiting = new Sample(0, 0, Long.MAX_VALUE);
  private boolean off;
  private boolean began;
  private long looked;
  private long settled;

  SettledIds(JdbcDatabase database) {
    this.table = database.table("outbox_message");
    this.sql =
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(?, 'id')::regclass), 0),"
            + " pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            + " FROM pg_current_snapshot() s";
  }

  /** Looks once a second; must be asked before the rows are read. */
  long upTo(Connection connection, long nowNanos) throws SQLException {
    if (off || (began && nowNanos - looked < BETWEEN_NANOS)) {
      return settled;
    }
    looked = nowNanos;
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setString(1, table);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        take(new Sample(nowNanos, row.getLong(1), row.getLong(3)), row.getLong(2));
      }
    } catch (SQLException e) {
      if (e.getSQLState() != null && e.getSQLState().startsWith("42")) {
        // Without the right to see the sequence each look begins at the start of the shard.
        off = true;
        log.warn("outbox relay reads without low-water mark: {}", e.toString());
        return 0;
      }
      throw e;
    }
    return settled;
  }

  /** Takes a sample whose snapshot begins at that transaction. */
  private void take(Sample sample, long oldestRunning) {
    if (!began) {
      began = true;
      waiting = sample;
    } else if (oldestRunning >= waiting.end() && sample.taken() - waiting.taken() >= MARGIN_NANOS) {
      settled = waiting.lastId();
      waiting = sample;
    }
  }
}
