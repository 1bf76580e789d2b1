package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Up to which id no row can appear any more on PostgreSQL: the last one drawn at a moment, once all
 * transactions have ended that held the table for writing just after it, relays' deletions aside.
 * Whoever draws an id holds the table before, and until its row can be seen. A snapshot held open,
 * which keeps dead rows alive, does not hold this back; an open transaction that writes messages
 * does, which costs speed and loses nothing. Confined to the relay's thread.
 */
final class ShardWatermark {

  private static final long MIN_INTERVAL_NANOS = Duration.ofMillis(10).toNanos();
  private static final long STALE_NANOS = Duration.ofSeconds(1).toNanos();

  /** So few dead rows are read again and again without harm. */
  private static final int MIN_NEW_IDS = 100;

  /** How transactions are named that were prepared; some versions rename one when it is. */
  private static final String PREPARED_PREFIX = "-1/";

  /**
   * What one look sees.
   *
   * @param server tells one start of one server from others
   * @param lastDrawn 0 if none was drawn yet
   * @param writing transactions that held the table for writing afterwards
   */
  record Observation(String server, long lastDrawn, Set<String> writing) {}

  private final OutboxEvents events;
  private final String sql;
  private final String table;
  private @Nullable String server;
  private Set<String> writers = Set.of();
  private long candidate;
  private boolean disabled;
  private boolean hasCandidate;
  private long lastRead;
  private long readNanos;
  private long watermark;

  ShardWatermark(JdbcDatabase database, OutboxEvents events) {
    this.events = events;
    this.table = database.table("outbox_message");
    // Who draws an id after "drawn" was read is above it: the last part asks for it, and so is read
    // later.
    this.sql =
        "WITH seq AS MATERIALIZED (SELECT pg_get_serial_sequence(?, 'id')::regclass AS id),"
            + " drawn AS MATERIALIZED (SELECT pg_sequence_last_value(id) AS last FROM seq)"
            + " SELECT last, (SELECT seqcache FROM pg_sequence, seq WHERE seqrelid = seq.id),"
            + " pg_postmaster_start_time()::text, ARRAY(SELECT virtualtransaction FROM pg_locks l"
            + " WHERE NOT "
            + PostgresRows.IS_DELETION
            + " AND locktype = 'relation' AND granted AND mode = 'RowExclusiveLock' AND relation ="
            + " to_regclass(?) AND database = (SELECT oid FROM pg_database WHERE datname ="
            + " current_database()) AND coalesce(last, 0) >= 0) FROM drawn";
  }

  /** What is known; holds for every read that begins from now on. */
  long upTo() {
    return watermark;
  }

  /** Whether the last look is so long ago that the server may be another one by now. */
  boolean isStale(long nowNanos) {
    return !disabled && (!hasCandidate || nowNanos - lastRead >= STALE_NANOS);
  }

  /**
   * Whether to look again: not for a few rows, not all the time, and for a twentieth of it at most.
   *
   * @param highest highest id read so far
   */
  boolean isDue(long highest, long nowNanos) {
    return !disabled
        && nowNanos - lastRead >= Math.max(MIN_INTERVAL_NANOS, 20 * readNanos)
        && highest - watermark >= MIN_NEW_IDS;
  }

  /**
   * Looks.
   *
   * @param highest highest id read so far
   * @return whether the server was started again or is another one, or ids were set back: then rows
   *     may be where none were expected
   */
  boolean read(Connection connection, long highest) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setString(1, table);
      select.setString(2, table);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        long last = row.getLong(1);
        if (row.wasNull() && highest > 0) {
          return disable("the sequence of ids can't be read without the right to");
        }
        if (row.getInt(2) != 1) {
          return disable("cache of the sequence of ids: " + row.getInt(2) + " (expected: 1)");
        }
        List<String> writing = List.of((String[]) row.getArray(4).getArray());
        return observe(new Observation(row.getString(3), last, new HashSet<>(writing)));
      }
    } catch (SQLException e) {
      if (e.getSQLState() == null || !e.getSQLState().startsWith("42")) {
        throw e;
      }
      return disable(e.toString());
    }
  }

  /** Slow from now on, and as right: each look begins at the start of the shard. */
  private boolean disable(String why) {
    disabled = true;
    watermark = 0;
    events.failed("reads from the start of each shard: " + why, null);
    return true;
  }

  void readTook(long startNanos, long endNanos) {
    lastRead = endNanos;
    readNanos = endNanos - startNanos;
  }

  /** Begins anew: what was known may belong to a server that is gone. */
  void forget() {
    hasCandidate = false;
    server = null;
    writers = Set.of();
    candidate = 0;
    watermark = 0;
  }

  /** Takes what was seen; says whether all that was known before is void. */
  boolean observe(Observation sight) {
    boolean another =
        server != null && (!server.equals(sight.server()) || sight.lastDrawn() < candidate);
    if (another) {
      forget();
    }
    server = sight.server();
    Set<String> still = new HashSet<>(writers);
    still.retainAll(sight.writing());
    sight.writing().stream().filter(name -> name.startsWith(PREPARED_PREFIX)).forEach(still::add);
    if (sight.writing().isEmpty()) {
      watermark = sight.lastDrawn();
    } else if (hasCandidate && still.isEmpty()) {
      watermark = candidate;
    } else if (hasCandidate) {
      writers = still;
      return another;
    }
    hasCandidate = true;
    candidate = sight.lastDrawn();
    writers = sight.writing();
    return another;
  }
}
