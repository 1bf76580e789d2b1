package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads payload and headers of rows that are known already. Immutable. */
final class RowBodyReader {

  private final JdbcDatabase database;
  private final String message;

  RowBodyReader(JdbcDatabase database) {
    this.database = database;
    this.message = database.table("outbox_message");
  }

  /**
   * The columns of payload and headers of a row {@code m}, and how many bytes of them were left
   * out: all if they are more than so many. The database tells the size without reading them.
   */
  static String columns(long most) {
    String size = "(octet_length(m.payload) + octet_length(m.headers))";
    String small = "CASE WHEN " + size + " <= " + most + " THEN ";
    return small
        + "m.payload END AS payload, "
        + small
        + "m.headers END AS headers, "
        + small
        + "0 ELSE "
        + size
        + " END AS missing";
  }

  /** Reads a row of a look from its seven columns. */
  static OutboxRow row(ResultSet found, String destination) throws SQLException {
    int shard = found.getInt(1);
    long id = found.getLong(2);
    String key = found.getString(4);
    long missing = found.getLong(7);
    return missing == 0
        ? new OutboxRow(shard, id, destination, key, found.getBytes(5), found.getString(6))
        : OutboxRow.withoutBody(shard, id, destination, key, missing);
  }

  /** Reads the bodies; returns the rows with them by id, without those that are gone. */
  Map<Long, OutboxRow> read(Connection connection, List<OutboxRow> rows) throws SQLException {
    Map<Long, OutboxRow> byId = new HashMap<>();
    rows.forEach(row -> byId.put(row.id(), row));
    Map<Long, OutboxRow> found = new HashMap<>();
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      String sql =
          PostgresRows.byKey(3)
              + "SELECT id, payload, headers FROM "
              + message
              + PostgresRows.listed(message, "id");
      try (PreparedStatement select = connection.prepareStatement(sql)) {
        PostgresRows.setList(select, 1, rows);
        try (ResultSet result = PostgresRows.second(select)) {
          take(result, byId, found);
        }
      }
    } else if (database.dialect().isMySql()) {
      String sql = "SELECT t.id, t.payload, t.headers FROM " + RowIds.listed(message, "id");
      try (PreparedStatement select = connection.prepareStatement(sql)) {
        select.setString(1, RowIds.list(rows));
        try (ResultSet result = select.executeQuery()) {
          take(result, byId, found);
        }
      }
    } else {
      String sql = "SELECT id, payload, headers FROM " + message + " WHERE shard = ? AND id = ?";
      try (PreparedStatement select = connection.prepareStatement(sql)) {
        for (OutboxRow row : rows) {
          select.setInt(1, row.shard());
          select.setLong(2, row.id());
          try (ResultSet result = select.executeQuery()) {
            take(result, byId, found);
          }
        }
      }
    }
    return found;
  }

  private static void take(ResultSet result, Map<Long, OutboxRow> byId, Map<Long, OutboxRow> found)
      throws SQLException {
    while (result.next()) {
      OutboxRow row = byId.get(result.getLong(1));
      if (row != null) {
        found.put(row.id(), row.withBody(result.getBytes(2), result.getString(3)));
      }
    }
  }
}
