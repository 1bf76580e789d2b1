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

/**
 * One statement each. It also bounds the wait and puts the bound back: no round trip of its own for
 * that, and the handler's own statements wait as long as its session says.
 */
final class PostgresInboxInsert implements InboxInsert {

  private final String one;
  private final String all;

  PostgresInboxInsert(JdbcDatabase database, Duration lockTimeout) {
    String bound =
        "WITH bound AS MATERIALIZED (SELECT current_setting('lock_timeout') AS usual,"
            + " set_config('lock_timeout', '"
            + lockTimeout.toMillis()
            + "', true)), entered AS (INSERT INTO "
            + database.table("inbox")
            + " (consumer, message_id, received_at) SELECT ?, ";
    String unbound =
        " ON CONFLICT DO NOTHING RETURNING message_id) SELECT entered.message_id,"
            + " set_config('lock_timeout', bound.usual, true) FROM bound LEFT JOIN entered ON true";
    String now = ", " + database.dialect().now() + " FROM bound";
    this.one = bound + "?" + now + unbound;
    this.all = bound + "batch.id" + now + ", unnest(?) AS batch(id)" + unbound;
  }

  @Override
  public boolean enter(Connection connection, String consumer, String id) throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement(one)) {
      insert.setString(1, consumer);
      insert.setString(2, id);
      try (ResultSet row = insert.executeQuery()) {
        row.next();
        return row.getString(1) != null;
      }
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
          String entered = rows.getString(1);
          if (entered != null) {
            fresh.add(entered);
          }
        }
      }
    } finally {
      array.free();
    }
    return fresh;
  }
}
