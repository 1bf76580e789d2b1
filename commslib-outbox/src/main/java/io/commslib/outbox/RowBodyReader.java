package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads payload and headers of rows whose other columns are known. Immutable. */
final class RowBodyReader {

  private final DatabaseRows rows;

  RowBodyReader(JdbcDatabase database) {
    this.rows = DatabaseRows.of(database);
  }

  /** Reads the bodies. Returns the complete rows by id, without those that are deleted. */
  Map<Long, OutboxRow> read(Connection connection, List<OutboxRow> wanted) throws SQLException {
    Map<Long, OutboxRow> byId = new HashMap<>();
    wanted.forEach(row -> byId.put(row.id(), row));
    Map<Long, OutboxRow> found = new HashMap<>();
    rows.readBodies(
        connection,
        wanted,
        body -> {
          OutboxRow row = byId.get(body.getLong(1));
          if (row != null) {
            found.put(row.id(), row.withBody(body.getBytes(2), body.getString(3)));
          }
        });
    return found;
  }
}
