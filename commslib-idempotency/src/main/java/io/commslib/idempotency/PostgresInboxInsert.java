package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlStatement;
import java.sql.Array;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Inbox entries on PostgreSQL: one statement for a message or a batch. It also sets and restores
 * the lock timeout, without a further round trip and without an effect on the handler's own
 * statements.
 */
final class PostgresInboxInsert implements InboxInsert {

  private static final String INSERT =
      """
      WITH bound AS MATERIALIZED
        (SELECT current_setting('lock_timeout') AS usual,
          set_config('lock_timeout', '{wait}', true)),
      entered AS
        (INSERT INTO @inbox (consumer, message_id, received_at)
        SELECT ?, {ids}
        ON CONFLICT DO NOTHING RETURNING message_id)
      SELECT entered.message_id, set_config('lock_timeout', bound.usual, true)
      FROM bound LEFT JOIN entered ON true
      """;

  private final SqlStatement one;
  private final SqlStatement all;

  PostgresInboxInsert(JdbcDatabase database, Duration lockTimeout) {
    SqlStatement insert =
        SqlStatement.of(database, INSERT).with("wait", Long.toString(lockTimeout.toMillis()));
    String now = database.dialect().now();
    this.one = insert.with("ids", "?, " + now + " FROM bound");
    this.all = insert.with("ids", "batch.id, " + now + " FROM bound, unnest(?) AS batch(id)");
  }

  @Override
  public boolean enter(Connection connection, String consumer, String id) throws SQLException {
    Boolean entered = one.one(connection, row -> row.getString(1) != null, consumer, id);
    return Boolean.TRUE.equals(entered);
  }

  @Override
  public Set<String> enterAll(Connection connection, String consumer, List<String> ids)
      throws SQLException {
    Array array = connection.createArrayOf("varchar", ids.toArray());
    try {
      // If nothing was entered, one row without an id restores the lock timeout.
      return all
          .list(connection, row -> Optional.ofNullable(row.getString(1)), consumer, array)
          .stream()
          .flatMap(Optional::stream)
          .collect(Collectors.toCollection(HashSet::new));
    } finally {
      array.free();
    }
  }
}
