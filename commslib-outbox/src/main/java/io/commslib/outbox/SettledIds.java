package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Up to which id no row can appear any more on PostgreSQL: the last one drawn at a moment, once all
 * transactions have ended that held the table for writing just after it. Whoever draws an id holds
 * the table before, and until its row can be seen. A snapshot held open, which keeps dead rows
 * alive, does not hold this back; an open transaction that writes messages does, which costs speed
 * and loses nothing. Confined to the relay's thread.
 */
final class SettledIds {

  private static final Logger log = LoggerFactory.getLogger(OutboxRelay.class);
  private static final long SOON_NANOS = Duration.ofMillis(10).toNanos();
  private static final long LATER_NANOS = Duration.ofSeconds(1).toNanos();

  /** So few dead rows are read again and again without harm. */
  private static final int FEW = 100;

  private final String drawn;
  private final String writing;
  private final String table;
  private Set<String> writers = Set.of();
  private long candidate;
  private boolean off;
  private boolean began;
  private long looked;
  private long lookNanos;
  private long settled;

  SettledIds(JdbcDatabase database) {
    this.table = database.table("outbox_message");
    this.drawn =
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(?, 'id')::regclass), 0)";
    this.writing =
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND granted"
            + " AND mode = 'RowExclusiveLock' AND relation = to_regclass(?)"
            + " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
  }

  /** What is known; holds for every read that begins from now on. */
  long upTo() {
    return settled;
  }

  /**
   * Whether to look again: not for a few rows, not all the time, and for a twentieth of it at most.
   *
   * @param highest highest id read so far
   */
  boolean isDue(long highest, long nowNanos) {
    if (off || !began) {
      return !off;
    }
    long since = nowNanos - looked;
    return highest > settled
        && since >= Math.max(SOON_NANOS, 20 * lookNanos)
        && (highest - settled >= FEW || since >= LATER_NANOS);
  }

  /** Looks; remembers that it took from {@code startNanos} with {@link #took}. */
  void look(Connection connection) throws SQLException {
    try {
      // In this order: who draws an id after the first statement is above it.
      long last = lastDrawn(connection);
      take(last, writers(connection));
    } catch (SQLException e) {
      if (e.getSQLState() == null || !e.getSQLState().startsWith("42")) {
        throw e;
      }
      // Without the right to see the sequence each look begins at the start of the shard.
      off = true;
      settled = 0;
      log.warn("outbox relay reads without low-water mark: {}", e.toString());
    }
  }

  void took(long startNanos, long endNanos) {
    looked = endNanos;
    lookNanos = endNanos - startNanos;
  }

  private long lastDrawn(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(drawn)) {
      select.setString(1, table);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  private Set<String> writers(Connection connection) throws SQLException {
    Set<String> found = new HashSet<>();
    try (PreparedStatement select = connection.prepareStatement(writing)) {
      select.setString(1, table);
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          found.add(rows.getString(1));
        }
      }
    }
    return found;
  }

  /**
   * Takes what was seen.
   *
   * @param last last id drawn
   * @param nowWriting transactions that held the table for writing afterwards
   */
  void take(long last, Set<String> nowWriting) {
    Set<String> still = new HashSet<>(writers);
    still.retainAll(nowWriting);
    if (nowWriting.isEmpty()) {
      settled = last;
    } else if (began && still.isEmpty()) {
      settled = candidate;
    } else if (began) {
      writers = still;
      return;
    }
    began = true;
    candidate = last;
    writers = nowWriting;
  }
}
