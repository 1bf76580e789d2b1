package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** One statement each, which also bounds the wait: no round trip of its own for that. */
final class PostgresInboxInsert implements InboxInsert {

  private final String one;
  private final String all;

  PostgresInboxInsert(JdbcDatabase database, Duration lockTimeout) {
    String into =
        "INSERT INTO "
            + database.table("inbox")
            + " (consumer, message_id, received_at) SELECT ?, ";
    String bound =
        ", "
            + database.dialect().now()
            + " FROM (SELECT set_config('lock_timeout', '"
            + lockTimeout.toMillis()
            + "', true)) AS bound";
    this.one = into + "?" + bound + " ON CONFLICT DO NOTHING";
    this.all =
        into
            + "batch.id"
            + bound
            + ", unnest(?) AS batch(id) ON CONFLICT DO NOTHING RETURNING message_id";
  }

  @Override
  public boolean enter(Connection connection, String consumer, String id) throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement(one)) {
      insert.setString(1, consumer);
      insert.setString(2, id);
      return insert.executeUpdate() == 1;
    }
  }

  @Override
  public Set<String> enterAll(Connection connection, String consumer, List<String> ids)
      throws SQLException {
    Array array = connection.createArrayOf("varchar", ids.toArray());
    Set<String> fresh = new HashSet<>();
    try (PreparedStatement insert = connection.prepareStatement(all)) {
      insert.setString(1, consumer);
      insert.setArray(2, array);
      try (ResultSet rows = insert.executeQuery()) {
        while (rows.next()) {
          fresh.add(rows.getString(1));
        }
      }
    } finally {
      array.free();
    }
    return fresh;
  }
}
