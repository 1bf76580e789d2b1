package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * The statements of MariaDB and MySQL. These have no arrays, so a list of rows is one JSON
 * parameter. They wait for the unfinished insert of every row that a statement passes, so a
 * statement reaches its rows by primary key.
 */
final class MySqlRows extends UnionRows {

  /**
   * Joins the rows of a list, its one parameter, and reads no others. Without the hints, the server
   * may choose to scan the table.
   */
  private static final String LISTED =
      """
      JSON_TABLE(?, '$[*]' COLUMNS(shard smallint PATH '$[0]', id bigint PATH '$[1]')) d
      STRAIGHT_JOIN %s t FORCE INDEX (PRIMARY) ON t.shard = d.shard AND t.%s = d.id
      """;

  private static final String MESSAGES = LISTED.formatted("@message", "id");
  private static final String RETRIES = LISTED.formatted("@retry", "message_row");

  private final String readBodies;
  private final SqlStatement deleteMessages;
  private final SqlStatement deleteRetries;
  private final String lock;
  private final SqlStatement copyToArchive;

  MySqlRows(JdbcDatabase database) {
    super(database);
    this.readBodies = sql.text("SELECT t.id, t.payload, t.headers FROM " + MESSAGES);
    this.deleteMessages = sql.statement("DELETE t FROM " + MESSAGES);
    this.deleteRetries = sql.statement("DELETE t FROM " + RETRIES);
    this.lock = sql.text("SELECT t.id FROM " + MESSAGES + " FOR UPDATE");
    this.copyToArchive =
        sql.statement(
            """
            INSERT INTO @archive (shard, id, destination, msg_key, payload, headers, created_at,
              archived_day, archived_at)
            SELECT t.shard, t.id, t.destination, t.msg_key, t.payload, t.headers, t.created_at,
              utc_date(), utc_timestamp(6)
            FROM
            """
                + MESSAGES);
  }

  @Override
  IntFunction<String> conditions(RowReader.Query query) {
    Map<Integer, String> inMemory = idsByShard(query.inMemory());
    String rest = " AND m.destination <> ?".repeat(query.excluded().size()) + notWaiting(query);
    return shard -> {
      String ids = inMemory.get(shard);
      return (ids == null ? "" : " AND m.id NOT IN (" + ids + ")") + rest;
    };
  }

  @Override
  int bind(Connection connection, PreparedStatement select, int first, RowReader.Query query)
      throws SQLException {
    int index = first;
    for (String destination : query.excluded()) {
      select.setString(index++, destination);
    }
    return index;
  }

  @Override
  void readBodies(Connection connection, List<OutboxRow> rows, BodyConsumer found)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(readBodies)) {
      select.setString(1, list(rows));
      try (ResultSet result = select.executeQuery()) {
        while (result.next()) {
          found.accept(result);
        }
      }
    }
  }

  @Override
  void delete(Connection connection, List<OutboxRow> rows, boolean retries) throws SQLException {
    deleteMessages.update(connection, list(rows));
    if (retries) {
      deleteRetries.update(connection, list(rows));
    }
  }

  @Override
  void archive(Connection connection, List<OutboxRow> rows) throws SQLException {
    String list = list(rows);
    try (PreparedStatement locking = connection.prepareStatement(lock)) {
      locking.setString(1, list);
      locking.executeQuery().close();
    }
    copyToArchive.update(connection, list);
    deleteMessages.update(connection, list);
  }

  @Override
  String overridingId() {
    return "";
  }

  private static Map<Integer, String> idsByShard(Collection<OutboxRow> rows) {
    return rows.stream()
        .collect(
            Collectors.groupingBy(
                OutboxRow::shard,
                Collectors.mapping(row -> Long.toString(row.id()), Collectors.joining(", "))));
  }

  /** The parameter of a list. */
  private static String list(Collection<OutboxRow> rows) {
    return rows.stream()
        .map(row -> "[" + row.shard() + "," + row.id() + "]")
        .collect(Collectors.joining(",", "[", "]"));
  }
}
