package io.commslib.outbox;

import io.commslib.core.messaging.Destination;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * The statements that H2, MariaDB and MySQL share. They have no LATERAL, and they read every part
 * of a union before they count. So each part is kept short.
 */
abstract class UnionRows extends DatabaseRows {

  private static final int MAX_ROWS_PER_INSERT = 1_000;

  /** Servers reject longer statements; MariaDB's default limit is 16 MiB. */
  private static final long MAX_STATEMENT_BYTES = 4L << 20;

  /** Drivers may put a parameter into the statement's text, where a byte may take two. */
  static final long ESCAPING_FACTOR = 2;

  private static final String PARAMETERS = ", (?, ?, ?, ?, ?)";

  private final String insert;
  private final SqlTemplate readShard;

  UnionRows(JdbcDatabase database) {
    super(database);
    this.insert =
        sql.text(
            """
            INSERT INTO @message (shard, destination, msg_key, payload, headers)
            VALUES (?, ?, ?, ?, ?)
            """);
    this.readShard =
        sql.template(
            """
            (SELECT m.shard, m.id, m.destination, m.msg_key, {body}
            FROM @message m
            WHERE m.shard = {shard}{conditions}
            ORDER BY m.id LIMIT {each})
            """);
  }

  /** The conditions of a query by shard, each with a leading space. */
  abstract IntFunction<String> conditions(RowReader.Query query);

  /** Binds the parameters of the conditions for one shard. Returns the next index. */
  abstract int bind(
      Connection connection, PreparedStatement select, int first, RowReader.Query query)
      throws SQLException;

  @Override
  final List<OutboxRow> read(Connection connection, RowReader.Query query) throws SQLException {
    String body = body(query.maxInlineBytes());
    IntFunction<String> conditions = conditions(query);
    String union =
        query.shards().stream()
            .map(shard -> readShard.with(body, shard, conditions.apply(shard), query.each()))
            .collect(Collectors.joining(" UNION ALL ", "SELECT * FROM (", ") m LIMIT "));
    List<OutboxRow> rows = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(union + query.limit())) {
      int index = 1;
      for (int i = 0; i < query.shards().size(); i++) {
        index = bind(connection, select, index, query);
      }
      try (ResultSet found = select.executeQuery()) {
        while (found.next()) {
          rows.add(row(found, found.getString(3)));
        }
      }
    }
    return rows;
  }

  /** One statement for as many rows as fit. */
  @Override
  final void insert(Connection connection, Destination to, List<NewRow> rows) throws SQLException {
    int from = 0;
    while (from < rows.size()) {
      List<NewRow> chunk = rows.subList(from, from + fitting(rows, from));
      from += chunk.size();
      String statement = insert + PARAMETERS.repeat(chunk.size() - 1);
      try (PreparedStatement inserting = connection.prepareStatement(statement)) {
        int index = 1;
        for (NewRow row : chunk) {
          inserting.setInt(index++, row.shard());
          inserting.setString(index++, to.toString());
          inserting.setString(index++, row.key());
          inserting.setBytes(index++, row.payload());
          inserting.setString(index++, row.headers());
        }
        inserting.executeUpdate();
      }
    }
  }

  private static int fitting(List<NewRow> rows, int from) {
    long bytes = 0;
    int count = 0;
    while (count < MAX_ROWS_PER_INSERT && from + count < rows.size()) {
      NewRow row = rows.get(from + count);
      bytes += ESCAPING_FACTOR * (row.payload().length + row.headers().length());
      if (count > 0 && bytes > MAX_STATEMENT_BYTES) {
        break;
      }
      count++;
    }
    return count;
  }
}
