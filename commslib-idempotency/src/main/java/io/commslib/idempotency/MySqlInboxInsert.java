package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Inbox entries on MySQL and MariaDB: an upsert that counts the copies of a message. The number of
 * changed rows is 1 for each inserted row and 2 for each duplicate. A plain insert would leave a
 * shared lock on the row of a duplicate, and two duplicates that wait for the same message would
 * deadlock when it commits. With the upsert they deadlock only when it rolls back.
 */
final class MySqlInboxInsert implements InboxInsert {

  private static final int MAX_ROWS = 1_000;

  private static final String UPSERT =
      """
      {wait}INSERT INTO @inbox (consumer, message_id, received_at)
      VALUES {rows}
      ON DUPLICATE KEY UPDATE copies = copies + 1
      """;
  private static final String SELECT_FRESH =
      """
      SELECT message_id FROM @inbox
      WHERE consumer = ? AND copies = 0 AND message_id IN ({ids})
      """;

  private final SqlStatement upsert;
  private final SqlStatement selectFresh;
  private final String row;

  MySqlInboxInsert(JdbcDatabase database, Duration lockTimeout) {
    this.upsert =
        SqlStatement.of(database, UPSERT)
            .with("wait", database.dialect().waitingAtMost(lockTimeout));
    this.selectFresh = SqlStatement.of(database, SELECT_FRESH);
    this.row = "(?, ?, " + database.dialect().now() + ")";
  }

  @Override
  public boolean enter(Connection connection, String consumer, String id) throws SQLException {
    return insert(connection, consumer, List.of(id)) == 1;
  }

  @Override
  public Set<String> enterAll(Connection connection, String consumer, List<String> ids)
      throws SQLException {
    Set<String> fresh = new HashSet<>();
    for (int from = 0; from < ids.size(); from += MAX_ROWS) {
      List<String> some = ids.subList(from, Math.min(from + MAX_ROWS, ids.size()));
      if (insert(connection, consumer, some) == some.size()) {
        fresh.addAll(some);
      } else {
        addFresh(connection, consumer, some, fresh);
      }
    }
    return fresh;
  }

  private int insert(Connection connection, String consumer, List<String> ids) throws SQLException {
    String rows = row + (", " + row).repeat(ids.size() - 1);
    Object[] parameters = ids.stream().flatMap(id -> Stream.of(consumer, id)).toArray();
    return upsert.with("rows", rows).update(connection, parameters);
  }

  /** This transaction now holds all the rows: those without a copy are its own. */
  private void addFresh(Connection connection, String consumer, List<String> ids, Set<String> found)
      throws SQLException {
    Object[] parameters = Stream.concat(Stream.of(consumer), ids.stream()).toArray();
    found.addAll(
        selectFresh
            .with("ids", "?" + ", ?".repeat(ids.size() - 1))
            .list(connection, row -> row.getString(1), parameters));
  }
}
