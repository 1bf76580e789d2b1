package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The two statements of a relay under way on PostgreSQL, each a transaction of its own: one reads
 * all owned shards, one deletes what is confirmed and tells who owns what.
 */
final class PostgresRows {

  /**
   * Precedes a statement in the same round trip and transaction: by the primary key or not at all.
   * What the planner knows of the table is what it was a while ago, and the plan made of that is
   * kept: one made for an empty table reads a whole backlog for each look and each deletion.
   */
  private static final String BY_KEY =
      Stream.of("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin")
          .map(plan -> "set_config('enable_" + plan + "', 'off', true), ")
          .collect(Collectors.joining("", "", "set_config('jit', 'off', true)"));

  /** Any numbers, of a lock that nobody waits for: it tells deletions from writers. */
  private static final String DELETION = "1668246893, 1633905523";

  /** What a transaction does first that deletes rows of the outbox and writes none. */
  private static final String DELETES =
      BY_KEY
          // Losing this commit only means publishing again, so nobody waits for the disk.
          + ", set_config('synchronous_commit', 'off', true), pg_try_advisory_xact_lock_shared("
          + DELETION
          + ")";

  /** Precedes a read of so many columns. */
  static String byKey(int columns) {
    return settings(BY_KEY, columns);
  }

  /** Precedes a deletion that returns so many columns. */
  static String deletes(int columns) {
    return settings(DELETES, columns);
  }

  /**
   * As many columns as what follows has: in some modes the driver takes one part's for another's.
   */
  private static String settings(String calls, int columns) {
    return "SELECT concat(" + calls + ")" + ", 1".repeat(columns - 1) + "; ";
  }

  /** Holds for a transaction that has done so; {@code l} is a row of {@code pg_locks}. */
  static final String IS_DELETION =
      "EXISTS (SELECT 1 FROM pg_locks mark WHERE mark.locktype = 'advisory' AND (mark.classid,"
          + " mark.objid) = ("
          + DELETION
          + ") AND mark.virtualtransaction = l.virtualtransaction)";

  /**
   * Of a list of ids, hashed once: compared one by one, thousands would cost more than the rest.
   */
  static final String NOT_LISTED = " AND m.id NOT IN (SELECT unnest(?::bigint[]))";

  private static final String COLUMNS = "m.shard, m.id, m.destination, m.msg_key, ";

  private final String message;
  private final String delete;
  private final String epochs;
  private final String deleteRetries;

  PostgresRows(JdbcDatabase database) {
    this.message = database.table("outbox_message");
    this.delete = deletes(2) + "WITH gone AS (DELETE FROM " + message + listed(message, "id") + ")";
    String retry = database.table("outbox_retry");
    this.deleteRetries = ", retried AS (DELETE FROM " + retry + listed(retry, "message_row") + ")";
    this.epochs =
        " SELECT shard, epoch FROM " + database.table("outbox_shard") + " WHERE owner = ?";
  }

  /**
   * Reads rows, oldest of each shard first.
   *
   * @param shards in this order
   * @param after behind which id of each to begin
   * @param held ids to leave out
   * @param window how many of a shard at most
   * @param limit how many at most
   * @param inline up to which size bodies are read too
   */
  List<OutboxRow> read(
      Connection connection,
      List<Integer> shards,
      long[] after,
      long[] held,
      int window,
      int limit,
      long inline)
      throws SQLException {
    String sql =
        byKey(7)
            + "SELECT "
            + COLUMNS
            + "m.payload, m.headers, m.missing"
            + " FROM unnest(?::smallint[], ?::bigint[]) AS s(shard, after)"
            + " CROSS JOIN LATERAL (SELECT "
            + COLUMNS
            + RowBodyReader.columns(inline)
            + " FROM "
            + message
            + " m WHERE m.shard = s.shard AND m.id > s.after"
            + (held.length == 0 ? "" : NOT_LISTED)
            + " ORDER BY m.id LIMIT "
            + window
            + ") m LIMIT "
            + limit;
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setFetchSize(0);
      select.setObject(1, shorts(shards));
      select.setObject(2, after);
      if (held.length > 0) {
        select.setObject(3, held);
      }
      try (ResultSet found = second(select)) {
        return rows(found);
      }
    }
  }

  /**
   * A condition that holds for the rows of a list of shards and one of ids: two parameters. Each is
   * looked up before anything else is decided, whatever the planner takes the table for.
   */
  static String listed(String table, String idColumn) {
    return " WHERE ctid = ANY (ARRAY(SELECT found.place FROM unnest(?::smallint[], ?::bigint[]) AS"
        + " d(shard, id) CROSS JOIN LATERAL (SELECT ctid AS place FROM "
        + table
        + " x WHERE x.shard = d.shard AND x."
        + idColumn
        + " = d.id LIMIT 1) AS found))";
  }

  /** Sets those parameters; returns the next one's index. */
  static int setList(PreparedStatement statement, int first, List<OutboxRow> rows)
      throws SQLException {
    short[] shards = new short[rows.size()];
    long[] ids = new long[rows.size()];
    for (int i = 0; i < ids.length; i++) {
      shards[i] = (short) rows.get(i).shard();
      ids[i] = rows.get(i).id();
    }
    statement.setObject(first, shards);
    statement.setObject(first + 1, ids);
    return first + 2;
  }

  /** Runs what the settings precede; returns its rows. */
  static ResultSet second(PreparedStatement statement) throws SQLException {
    statement.execute();
    statement.getMoreResults();
    return statement.getResultSet();
  }

  private static List<OutboxRow> rows(ResultSet found) throws SQLException {
    List<OutboxRow> rows = new ArrayList<>();
    String destination = "";
    while (found.next()) {
      String to = found.getString(3);
      // Rows of one destination share its text, which is compared and looked up often.
      destination = to.equals(destination) ? destination : to;
      rows.add(RowBodyReader.row(found, destination));
    }
    return rows;
  }

  /**
   * Deletes confirmed rows by explicit id, never by range.
   *
   * @return the epochs of the shards the node owns
   */
  Map<Integer, Long> acknowledge(
      Connection connection, List<OutboxRow> rows, boolean retries, String node)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(delete + (retries ? deleteRetries : "") + epochs)) {
      int index = 1;
      for (int list = 0; list < (retries ? 2 : 1); list++) {
        index = setList(statement, index, rows);
      }
      statement.setString(index, node);
      Map<Integer, Long> owned = new HashMap<>();
      try (ResultSet found = second(statement)) {
        while (found.next()) {
          owned.put(found.getInt(1), found.getLong(2));
        }
      }
      return owned;
    }
  }

  private static short[] shorts(List<Integer> numbers) {
    short[] shorts = new short[numbers.size()];
    for (int i = 0; i < shorts.length; i++) {
      shorts[i] = numbers.get(i).shortValue();
    }
    return shorts;
  }
}
