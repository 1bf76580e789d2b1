package io.commslib.outbox;

import io.commslib.core.messaging.Destination;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The statements of PostgreSQL. Two of them are the relay's steady work, each a transaction of its
 * own: one reads all owned shards, and one deletes confirmed rows and returns the epochs of the
 * owned shards.
 */
final class PostgresRows extends DatabaseRows {

  /**
   * Planner settings that precede a statement in the same round trip and transaction: access by
   * primary key only. The planner's statistics of the table may be old, and a plan made from them
   * is kept. A plan made for an empty table would read a whole backlog on each read and deletion.
   */
  private static final String BY_KEY =
      Stream.of("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin")
          .map(plan -> "set_config('enable_" + plan + "', 'off', true), ")
          .collect(Collectors.joining("", "", "set_config('jit', 'off', true)"));

  /** Arbitrary numbers of an advisory lock that marks a deleting transaction. It never blocks. */
  private static final String DELETION = "1668246893, 1633905523";

  /** Settings of a transaction that deletes rows of the outbox and writes none. */
  private static final String DELETES =
      BY_KEY
          // The loss of this commit only means a repeated publish, so it need not wait for the
          // disk.
          + ", set_config('synchronous_commit', 'off', true), pg_try_advisory_xact_lock_shared("
          + DELETION
          + ")";

  /**
   * A condition that holds for transactions that {@linkplain #deletes delete}; {@code l} is a row
   * of {@code pg_locks}.
   */
  static final String IS_DELETION =
      "EXISTS (SELECT 1 FROM pg_locks mark WHERE mark.locktype = 'advisory' AND (mark.classid,"
          + " mark.objid) = ("
          + DELETION
          + ") AND mark.virtualtransaction = l.virtualtransaction)";

  /** Excludes a list of ids by a hash. One comparison per id would cost more than the rest. */
  static final String NOT_LISTED = " AND m.id NOT IN (SELECT unnest(?::bigint[]))";

  /**
   * A condition that holds for the rows of a list of shards and one of ids, its two parameters. It
   * finds each row by primary key first, whatever the planner's statistics are.
   */
  private static final String LISTED =
      """
      WHERE ctid = ANY (ARRAY(
        SELECT found.place FROM unnest(?::smallint[], ?::bigint[]) AS d(shard, id)
        CROSS JOIN LATERAL (
          SELECT ctid AS place FROM %s x WHERE x.shard = d.shard AND x.%s = d.id LIMIT 1) AS found))
      """;

  private static final String MESSAGES = LISTED.formatted("@message", "id");
  private static final String RETRIES = LISTED.formatted("@retry", "message_row");

  private final String insert;
  private final SqlTemplate read;
  private final String readBodies;
  private final String deleteMessages;
  private final String deleteRetries;
  private final String archive;
  private final String deleteAndReadEpochs;
  private final String deleteRetriesAndReadEpochs;
  private final SqlStatement countRows;
  private final SqlStatement countDeadRows;
  private final SqlStatement oldestSnapshot;

  PostgresRows(JdbcDatabase database) {
    super(database);
    this.insert =
        sql.text(
            """
            INSERT INTO @message (shard, destination, msg_key, payload, headers)
            SELECT shard, ?, msg_key, payload, headers
            FROM unnest(?::int[], ?::text[], ?::bytea[], ?::text[]) WITH ORDINALITY
              AS m(shard, msg_key, payload, headers, place)
            ORDER BY place
            """);
    this.read =
        sql.template(
            byKey(7)
                + """
                SELECT m.shard, m.id, m.destination, m.msg_key, m.payload, m.headers, m.missing
                FROM unnest(?::smallint[], ?::bigint[]) AS s(shard, after)
                CROSS JOIN LATERAL (
                  SELECT m.shard, m.id, m.destination, m.msg_key, {body}
                  FROM @message m
                  WHERE m.shard = s.shard AND m.id > s.after{conditions}
                  ORDER BY m.id LIMIT {each}) m
                LIMIT {limit}
                """);
    this.readBodies = sql.text(byKey(3) + "SELECT id, payload, headers FROM @message " + MESSAGES);
    this.deleteMessages = sql.text("DELETE FROM @message " + MESSAGES);
    this.deleteRetries = sql.text("DELETE FROM @retry " + RETRIES);
    // The day is that of UTC, so that a purge does not depend on the session's time zone.
    this.archive =
        sql.text(
            deletes(1)
                + "WITH gone AS (DELETE FROM @message "
                + MESSAGES
                + """
                RETURNING *)
                INSERT INTO @archive (shard, id, destination, msg_key, payload, headers, created_at,
                  archived_day, archived_at)
                SELECT shard, id, destination, msg_key, payload, headers, created_at,
                  (clock_timestamp() AT TIME ZONE 'UTC')::date, clock_timestamp()
                FROM gone
                """);
    String gone = deletes(2) + "WITH gone AS (DELETE FROM @message " + MESSAGES + ")";
    String retried = ", retried AS (DELETE FROM @retry " + RETRIES + ")";
    String epochs = " SELECT shard, epoch FROM @shard WHERE owner = ?";
    this.deleteAndReadEpochs = sql.text(gone + epochs);
    this.deleteRetriesAndReadEpochs = sql.text(gone + retried + epochs);
    String statistics = " FROM pg_stat_all_tables WHERE relid = '@message'::regclass";
    this.countRows = sql.statement("SELECT n_live_tup" + statistics);
    this.countDeadRows = sql.statement("SELECT n_dead_tup" + statistics);
    this.oldestSnapshot =
        sql.statement(
            """
            SELECT
              coalesce(max(extract(epoch FROM clock_timestamp() - xact_start) * 1000), 0)::bigint
            FROM pg_stat_activity
            WHERE datname = current_database() AND backend_xmin IS NOT NULL
              AND pid <> pg_backend_pid()
            """);
  }

  /** The settings that precede a read with the given number of columns. */
  static String byKey(int columns) {
    return settings(BY_KEY, columns);
  }

  /** The settings that precede a deletion with the given number of result columns. */
  private static String deletes(int columns) {
    return settings(DELETES, columns);
  }

  /**
   * A query with as many columns as the statement behind it: in some modes the driver describes one
   * by the other's columns.
   */
  private static String settings(String calls, int columns) {
    return "SELECT concat(" + calls + ")" + ", 1".repeat(columns - 1) + "; ";
  }

  /** One statement and one plan for any number of rows. */
  @Override
  void insert(Connection connection, Destination to, List<NewRow> rows) throws SQLException {
    int count = rows.size();
    Integer[] shards = new Integer[count];
    String[] keys = new String[count];
    byte[][] payloads = new byte[count][];
    String[] headers = new String[count];
    for (int i = 0; i < count; i++) {
      NewRow row = rows.get(i);
      shards[i] = row.shard();
      keys[i] = row.key();
      payloads[i] = row.payload();
      headers[i] = row.headers();
    }
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      statement.setString(1, to.toString());
      statement.setArray(2, connection.createArrayOf("int4", shards));
      statement.setArray(3, connection.createArrayOf("text", keys));
      statement.setArray(4, connection.createArrayOf("bytea", payloads));
      statement.setArray(5, connection.createArrayOf("text", headers));
      statement.executeUpdate();
    }
  }

  /** One text and one plan for any shards. It stops as soon as it has enough rows. */
  @Override
  List<OutboxRow> read(Connection connection, RowReader.Query query) throws SQLException {
    Collection<String> excluded = query.excluded();
    String conditions =
        (excluded.isEmpty() ? "" : " AND NOT (m.destination = ANY(?))")
            + (query.inMemory().isEmpty() ? "" : NOT_LISTED)
            + notWaiting(query);
    String statement =
        read.with(body(query.maxInlineBytes()), conditions, query.limit(), query.limit());
    try (PreparedStatement select = connection.prepareStatement(statement)) {
      select.setObject(1, shorts(query.shards()));
      select.setObject(2, query.after());
      int index = 3;
      if (!excluded.isEmpty()) {
        select.setArray(index++, connection.createArrayOf("varchar", excluded.toArray()));
      }
      if (!query.inMemory().isEmpty()) {
        select.setObject(index, query.inMemory().stream().mapToLong(OutboxRow::id).toArray());
      }
      return rows(select);
    }
  }

  /**
   * Reads the oldest rows of each shard. The common case: nothing has failed and no destination is
   * left out.
   *
   * @param shards the shards, in the order in which they are read
   * @param after for each shard, the id behind which to begin
   * @param inMemory ids to leave out
   * @param each the maximum number of rows of a shard
   * @param limit the maximum number of rows
   * @param maxInlineBytes the size up to which a body is read too
   */
  List<OutboxRow> read(
      Connection connection,
      List<Integer> shards,
      long[] after,
      long[] inMemory,
      int each,
      int limit,
      long maxInlineBytes)
      throws SQLException {
    String conditions = inMemory.length == 0 ? "" : NOT_LISTED;
    String statement = read.with(body(maxInlineBytes), conditions, each, limit);
    try (PreparedStatement select = connection.prepareStatement(statement)) {
      select.setFetchSize(0);
      select.setObject(1, shorts(shards));
      select.setObject(2, after);
      if (inMemory.length > 0) {
        select.setObject(3, inMemory);
      }
      return rows(select);
    }
  }

  private static List<OutboxRow> rows(PreparedStatement select) throws SQLException {
    List<OutboxRow> rows = new ArrayList<>();
    String destination = "";
    try (ResultSet found = second(select)) {
      while (found.next()) {
        String to = found.getString(3);
        // Rows of one destination share its text, which is compared often.
        destination = to.equals(destination) ? destination : to;
        rows.add(row(found, destination));
      }
    }
    return rows;
  }

  @Override
  void readBodies(Connection connection, List<OutboxRow> rows, BodyConsumer found)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(readBodies)) {
      setList(select, 1, rows);
      try (ResultSet result = second(select)) {
        while (result.next()) {
          found.accept(result);
        }
      }
    }
  }

  @Override
  void delete(Connection connection, List<OutboxRow> rows, boolean retries) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(deletes(1));
    }
    deleteListed(connection, deleteMessages, rows);
    if (retries) {
      deleteListed(connection, deleteRetries, rows);
    }
  }

  private static void deleteListed(Connection connection, String sql, List<OutboxRow> rows)
      throws SQLException {
    try (PreparedStatement delete = connection.prepareStatement(sql)) {
      setList(delete, 1, rows);
      delete.executeUpdate();
    }
  }

  /**
   * Deletes rows by explicit id, never by range, in a transaction of its own.
   *
   * @param retries whether some rows may have failed before, so that their retry state goes too
   * @return the epochs of the shards that the node owns
   */
  Map<Integer, Long> deleteAndReadEpochs(
      Connection connection, List<OutboxRow> rows, boolean retries, String node)
      throws SQLException {
    String sql = retries ? deleteRetriesAndReadEpochs : deleteAndReadEpochs;
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      int index = setList(statement, 1, rows);
      if (retries) {
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

  @Override
  void archive(Connection connection, List<OutboxRow> rows) throws SQLException {
    try (PreparedStatement move = connection.prepareStatement(archive)) {
      setList(move, 1, rows);
      move.execute();
    }
  }

  @Override
  TableStatistics statistics(Connection connection) throws SQLException {
    long live = countRows.number(connection);
    long dead = countDeadRows.number(connection);
    Duration snapshot = Duration.ofMillis(oldestSnapshot.number(connection));
    return new TableStatistics(live, dead, snapshot);
  }

  /** Sets the two parameters of a list. Returns the next index. */
  private static int setList(PreparedStatement statement, int first, List<OutboxRow> rows)
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

  /** Executes settings and the statement behind them. Returns the rows of the latter. */
  private static ResultSet second(PreparedStatement statement) throws SQLException {
    statement.execute();
    statement.getMoreResults();
    return statement.getResultSet();
  }

  private static short[] shorts(List<Integer> numbers) {
    short[] shorts = new short[numbers.size()];
    for (int i = 0; i < shorts.length; i++) {
      shorts[i] = numbers.get(i).shortValue();
    }
    return shorts;
  }
}
