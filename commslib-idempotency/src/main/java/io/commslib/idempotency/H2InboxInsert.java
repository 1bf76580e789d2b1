package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A plain insert that fails on a duplicate, which on H2 leaves the transaction intact; several rows
 * in one insert, and one by one only when there is a duplicate among them. The bound of waits is
 * the session's and is put back afterwards.
 */
final class H2InboxInsert implements InboxInsert {

  /** Rows in one statement; H2 compiles it again for each number of rows. */
  private static final int MOST_ROWS = 200;

  private final long lockTimeoutMillis;
  private final String into;
  private final String row;

  H2InboxInsert(JdbcDatabase database, Duration lockTimeout) {
    this.lockTimeoutMillis = lockTimeout.toMillis();
    this.into =
        "INSERT INTO " + database.table("inbox") + " (consumer, message_id, received_at) VALUES ";
    this.row = "(?, ?, " + database.dialect().now() + ")";
  }

  @Override
  public boolean enter(Connection connection, String consumer, String id) throws SQLException {
    return H2LockTimeout.bounded(
        connection, lockTimeoutMillis, () -> insert(connection, consumer, List.of(id)));
  }

  @Override
  public Set<String> enterAll(Connection connection, String consumer, List<String> ids)
      throws SQLException {
    Set<String> fresh = new HashSet<>();
    H2LockTimeout.bounded(
        connection,
        lockTimeoutMillis,
        () -> {
          for (int from = 0; from < ids.size(); from += MOST_ROWS) {
            List<String> some = ids.subList(from, Math.min(from + MOST_ROWS, ids.size()));
            enterSome(connection, consumer, some, fresh);
          }
          return fresh;
        });
    return fresh;
  }

  private void enterSome(
      Connection connection, String consumer, List<String> ids, Set<String> fresh)
      throws SQLException {
    if (insert(connection, consumer, ids)) {
      fresh.addAll(ids);
      return;
    }
    for (String id : ids) {
      if (insert(connection, consumer, List.of(id))) {
        fresh.add(id);
      }
    }
  }

  /** Inserts all or, if one is there already, none. */
  private boolean insert(Connection connection, String consumer, List<String> ids)
      throws SQLException {
    String sql = into + row + (", " + row).repeat(ids.size() - 1);
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      int parameter = 1;
      for (String id : ids) {
        insert.setString(parameter++, consumer);
        insert.setString(parameter++, id);
      }
      insert.executeUpdate();
      return true;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw e;
    }
  }
}
