package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Inbox entries on H2: a plain insert that fails on a duplicate, which on H2 leaves the transaction
 * intact. A batch is one insert; its rows are inserted one by one only if one of them is a
 * duplicate. The lock timeout belongs to the session and is restored afterwards.
 */
final class H2InboxInsert implements InboxInsert {

  /** Maximum number of rows of a statement; H2 compiles it anew for each number of rows. */
  private static final int MAX_ROWS = 200;

  private static final String INSERT =
      """
      INSERT INTO @inbox (consumer, message_id, received_at)
      VALUES {rows}
      """;

  private final long lockTimeoutMillis;
  private final SqlStatement insert;
  private final String row;

  H2InboxInsert(JdbcDatabase database, Duration lockTimeout) {
    this.lockTimeoutMillis = lockTimeout.toMillis();
    this.insert = SqlStatement.of(database, INSERT);
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
          for (int from = 0; from < ids.size(); from += MAX_ROWS) {
            List<String> some = ids.subList(from, Math.min(from + MAX_ROWS, ids.size()));
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

  /** Inserts all ids, or none if one of them exists; returns whether it inserted them. */
  private boolean insert(Connection connection, String consumer, List<String> ids)
      throws SQLException {
    Object[] parameters = ids.stream().flatMap(id -> Stream.of(consumer, id)).toArray();
    String rows = row + (", " + row).repeat(ids.size() - 1);
    try {
      insert.with("rows", rows).update(connection, parameters);
      return true;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw e;
    }
  }
}
