package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * An upsert that counts the copies of a message, for MySQL and MariaDB. The count of changed rows
 * tells inserted rows, 1 each, from duplicates, 2 each. A plain insert would leave a shared lock on
 * the row of a duplicate, and two that wait for the outcome of the same message would end in a
 * deadlock when it commits; with the upsert they do so only when it rolls back.
 */
final class MySqlInboxInsert implements InboxInsert {

  private static final int MOST_ROWS = 1_000;

  private final String into;
  private final String row;
  private final String fresh;

  MySqlInboxInsert(JdbcDatabase database, Duration lockTimeout) {
    String table = database.table("inbox");
    this.into =
        database.dialect().waitingAtMost(lockTimeout)
            + "INSERT INTO "
            + table
            + " (consumer, message_id, received_at) VALUES ";
    this.row = "(?, ?, " + database.dialect().now() + ")";
    this.fresh =
        "SELECT message_id FROM "
            + table
            + " WHERE consumer = ? AND copies = 0 AND message_id IN (?";
  }

  @Override
  public boolean enter(Connection connection, String consumer, String id) throws SQLException {
    return insert(connection, consumer, List.of(id)) == 1;
  }

  @Override
  public Set<String> enterAll(Connection connection, String consumer, List<String> ids)
      throws SQLException {
    Set<String> fresh = new HashSet<>();
    for (int from = 0; from < ids.size(); from += MOST_ROWS) {
      List<String> some = ids.subList(from, Math.min(from + MOST_ROWS, ids.size()));
      if (insert(connection, consumer, some) == some.size()) {
        fresh.addAll(some);
      } else {
        addFresh(connection, consumer, some, fresh);
      }
    }
    return fresh;
  }

  private int insert(Connection connection, String consumer, List<String> ids) throws SQLException {
    String sql =
        into
            + row
            + (", " + row).repeat(ids.size() - 1)
            + " ON DUPLICATE KEY UPDATE copies = copies + 1";
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      int parameter = 1;
      for (String id : ids) {
        insert.setString(parameter++, consumer);
        insert.setString(parameter++, id);
      }
      return insert.executeUpdate();
    }
  }

  /** This transaction holds all the rows by now: those without a copy are its own. */
  private void addFresh(Connection connection, String consumer, List<String> ids, Set<String> found)
      throws SQLException {
    String sql = fresh + ", ?".repeat(ids.size() - 1) + ")";
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      int parameter = 1;
      select.setString(parameter++, consumer);
      for (String id : ids) {
        select.setString(parameter++, id);
      }
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          found.add(rows.getString(1));
        }
      }
    }
  }
}
