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
 * The id up to which no row can appear any longer on PostgreSQL: the last id drawn at one moment,
 * once all transactions have ended that held a write lock on the table just after that moment
 * (deletions by relays do not count). A transaction locks the table before it draws an id, and
 * until its row is visible. An open snapshot, which keeps dead rows from vacuum, does not hold the
 * watermark back. An open transaction that writes messages does, which costs speed and loses
 * nothing. Confined to the relay's thread.
 */
final class ShardWatermark {

  private static final long MIN_INTERVAL_NANOS = Duration.ofMillis(10).toNanos();
  private static final long STALE_NANOS = Duration.ofSeconds(1).toNanos();

  /** With fewer new ids the watermark is not worth a read: few dead rows cost little. */
  private static final int MIN_NEW_IDS = 100;

  /** The prefix of prepared transactions' names; some versions rename a transaction on prepare. */
  private static final String PREPARED_PREFIX = "-1/";

  /**
   * The result of one read.
   *
   * @param server identifies one start of one server
   * @param lastDrawn the last id drawn; 0 if there is none
   * @param writing transactions that held a write lock on the table afterwards
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
    // An id that is drawn after "drawn" was read is higher. The last part uses "last", so that it
    // is
    // evaluated later.
    this.sql =
        OutboxSql.of(
            database,
            """
            WITH seq AS MATERIALIZED (SELECT pg_get_serial_sequence(?, 'id')::regclass AS id),
            drawn AS MATERIALIZED (SELECT pg_sequence_last_value(id) AS last FROM seq)
            SELECT last,
            (SELECT seqcache FROM pg_sequence, seq WHERE seqrelid = seq.id),
            pg_postmaster_start_time()::text,
            ARRAY(SELECT virtualtransaction FROM pg_locks l
            WHERE NOT %s
            AND locktype = 'relation' AND granted AND mode = 'RowExclusiveLock'
            AND relation = to_regclass(?)
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND coalesce(last, 0) >= 0)
            FROM drawn
            """
                .formatted(PostgresRows.IS_DELETION));
  }

  /** The watermark, which is valid for every read that begins from now on. */
  long upTo() {
    return watermark;
  }

  /** Whether the last read is so long ago that the server may be another one. */
  boolean isStale(long nowNanos) {
    return !disabled && (!hasCandidate || nowNanos - lastRead >= STALE_NANOS);
  }

  /**
   * Whether to read again: only for enough new rows, not too often, and for at most a twentieth of
   * the time.
   *
   * @param highestId the highest id read so far
   */
  boolean isDue(long highestId, long nowNanos) {
    return !disabled
        && nowNanos - lastRead >= Math.max(MIN_INTERVAL_NANOS, 20 * readNanos)
        && highestId - watermark >= MIN_NEW_IDS;
  }

  /**
   * Reads the watermark.
   *
   * @param highestId the highest id read so far
   * @return whether the server was restarted or is another one, or ids were set back: then rows may
   *     be at ids that were read already
   */
  boolean read(Connection connection, long highestId) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setString(1, table);
      select.setString(2, table);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        long last = row.getLong(1);
        if (row.wasNull() && highestId > 0) {
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

  /** From now on reads begin at the start of the shard: slow, and as correct. */
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

  /** Forgets all that was read, which may belong to a server that is gone. */
  void forget() {
    hasCandidate = false;
    server = null;
    writers = Set.of();
    candidate = 0;
    watermark = 0;
  }

  /** Processes the result of a read; returns whether all results before it are void. */
  boolean observe(Observation seen) {
    boolean isOther =
        server != null && (!server.equals(seen.server()) || seen.lastDrawn() < candidate);
    if (isOther) {
      forget();
    }
    server = seen.server();
    Set<String> stillWriting = new HashSet<>(writers);
    stillWriting.retainAll(seen.writing());
    seen.writing().stream()
        .filter(name -> name.startsWith(PREPARED_PREFIX))
        .forEach(stillWriting::add);
    if (seen.writing().isEmpty()) {
      watermark = seen.lastDrawn();
    } else if (hasCandidate && stillWriting.isEmpty()) {
      watermark = candidate;
    } else if (hasCandidate) {
      writers = stillWriting;
      return isOther;
    }
    hasCandidate = true;
    candidate = seen.lastDrawn();
    writers = seen.writing();
    return isOther;
  }
}
