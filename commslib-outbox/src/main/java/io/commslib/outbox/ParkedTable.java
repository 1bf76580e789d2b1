package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parked rows. A parked row blocks its key while a row of {@code outbox_retry} without a next
 * time points to it. Both are deleted in one transaction. Immutable.
 */
final class ParkedTable {

  /** A parked row that is locked until the transaction ends, so that it is decided about once. */
  record Entry(long id, int shard, long row, String destination, @Nullable String key) {

    @Override
    public String toString() {
      return "parked " + id + ", " + destination + ", key " + (key == null ? "none" : key);
    }
  }

  private final SqlDialect dialect;
  private final SqlTemplate page;
  private final SqlStatement find;
  private final SqlStatement blockers;
  private final SqlStatement waiting;
  private final SqlStatement lock;
  private final SqlTemplate lockAll;
  private final SqlStatement copyToTail;
  private final SqlStatement copyToFront;
  private final SqlStatement delete;
  private final SqlStatement unblock;
  private final OutboxSql sql;

  ParkedTable(JdbcDatabase database) {
    this.dialect = database.dialect();
    this.sql = new OutboxSql(database);
    String columns =
        """
        SELECT id, destination, msg_key, attempts, error_code, fingerprint, last_error,
          first_failed_at, parked_at
        FROM @parked
        """;
    this.page = sql.template(columns + "WHERE id > ?{conditions} ORDER BY id LIMIT {limit}");
    this.find = sql.statement(columns + "WHERE id = ?");
    this.blockers =
        sql.statement(
            """
            SELECT p.id
            FROM @parked p JOIN @retry r ON r.shard = p.shard AND r.message_row = p.message_row
            WHERE r.next_at IS NULL AND p.destination = ? AND p.msg_key = ?
            ORDER BY p.message_row LIMIT 100
            """);
    this.waiting =
        sql.statement(
            """
            SELECT count(*) FROM (
              SELECT 1 FROM @message
              WHERE shard = (SELECT shard FROM @parked WHERE id = ?)
                AND destination = ? AND msg_key = ?
              LIMIT 1000) x
            """);
    String entry = "SELECT id, shard, message_row, destination, msg_key FROM @parked ";
    this.lock = sql.statement(entry + "WHERE id = ? FOR UPDATE");
    this.lockAll =
        sql.template(
            entry + "WHERE 1 = 1{conditions} ORDER BY message_row LIMIT {limit} FOR UPDATE");
    this.copyToTail =
        sql.statement(
            """
            INSERT INTO @message (shard, destination, msg_key, payload, headers)
            SELECT shard, destination, msg_key, payload, headers FROM @parked WHERE id = ?
            """);
    String overridingId = DatabaseRows.of(database).overridingId();
    this.copyToFront =
        sql.statement(
            """
            INSERT INTO @message (shard, id, destination, msg_key, payload, headers, created_at) %s
            SELECT shard, message_row, destination, msg_key, payload, headers, created_at
            FROM @parked WHERE id = ?
            """
                .formatted(overridingId));
    this.delete = sql.statement("DELETE FROM @parked WHERE id = ?");
    this.unblock =
        sql.statement("DELETE FROM @retry WHERE next_at IS NULL AND shard = ? AND message_row = ?");
  }

  List<ParkedMessage> page(Connection connection, ParkedFilter filter, long after, int limit)
      throws SQLException {
    List<Object> parameters = new ArrayList<>(List.of(after));
    parameters.addAll(filter.parameters());
    return sql.resolved(page.with(filter.conditions(), limit))
        .list(connection, this::read, parameters.toArray());
  }

  private ParkedMessage read(ResultSet row) throws SQLException {
    return new ParkedMessage(
        row.getLong(1),
        row.getString(2),
        row.getString(3),
        row.getInt(4),
        row.getString(5),
        row.getString(6),
        row.getString(7),
        dialect.instant(row, 8),
        dialect.instant(row, 9));
  }

  Optional<ParkedExplanation> explain(Connection connection, long id) throws SQLException {
    ParkedMessage found = find.one(connection, this::read, id);
    if (found == null) {
      return Optional.empty();
    }
    if (found.key().isEmpty()) {
      return Optional.of(new ParkedExplanation(found, false, List.of(), 0));
    }
    String key = found.key().get();
    List<Long> blockedBy = blockers(connection, found.destination(), key);
    int later = (int) waiting.number(connection, id, found.destination(), key);
    return Optional.of(
        new ParkedExplanation(
            found, !blockedBy.isEmpty(), blockedBy, blockedBy.isEmpty() ? 0 : later));
  }

  private List<Long> blockers(Connection connection, String destination, String key)
      throws SQLException {
    return blockers.list(connection, row -> row.getLong(1), destination, key);
  }

  /** Locks a parked row until the transaction ends. Empty if there is none. */
  List<Entry> lock(Connection connection, long id) throws SQLException {
    return lock.list(connection, ParkedTable::entry, id);
  }

  /** Locks the oldest matching rows until the transaction ends. */
  List<Entry> lockAll(Connection connection, ParkedFilter filter, int limit) throws SQLException {
    return sql.resolved(lockAll.with(filter.conditions(), limit))
        .list(connection, ParkedTable::entry, filter.parameters().toArray());
  }

  private static Entry entry(ResultSet row) throws SQLException {
    return new Entry(
        row.getLong(1), row.getInt(2), row.getLong(3), row.getString(4), row.getString(5));
  }

  /** Moves a row to the end of the outbox. */
  void toTail(Connection connection, Entry entry) throws SQLException {
    copyToTail.update(connection, entry.id());
    remove(connection, entry);
  }

  /** Moves a row back to its old place. */
  void toFront(Connection connection, Entry entry) throws SQLException {
    if (unblock(connection, entry) == 0) {
      throw new IllegalStateException(
          "redrive at front: " + entry + " (expected: one whose key is still blocked)");
    }
    copyToFront.update(connection, entry.id());
    remove(connection, entry);
  }

  void remove(Connection connection, Entry entry) throws SQLException {
    unblock(connection, entry);
    delete.update(connection, entry.id());
  }

  private int unblock(Connection connection, Entry entry) throws SQLException {
    return unblock.update(connection, entry.shard(), entry.row());
  }
}
