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
 * An upsert that counts the copies of a message, for MySQL and MariaDB. The count of changed rows
 * tells inserted rows, 1 each, from duplicates, 2 each. A plain insert would leave a shared lock on
 * the row of a duplicate, and two that wait for the outcome of the same message would end in a
 * deadlock when it commits; with the upsert they do so only when it rolls back.
 */
final class MySqlInboxInsert implements InboxInsert {

  private static final int MOST_ROWS = 1_000;

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
