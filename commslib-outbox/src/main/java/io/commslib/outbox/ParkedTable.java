package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parked rows. A parked row blocks its key while a row of {@code outbox_retry} without a next
 * time points to it; both go in one transaction.
 */
final class ParkedTable {

  /** A parked row that is locked until the transaction ends, so that one decision is made of it. */
  record Entry(long id, int shard, long row, String destination, @Nullable String key) {

    @Override
    public String toString() {
      return "parked " + id + ", " + destination + ", key " + (key == null ? "none" : key);
    }
  }

  private static final String SHOWN =
      "SELECT id, destination, msg_key, attempts, error_code, fingerprint, last_error,"
          + " first_failed_at, parked_at FROM ";
  private static final String LOCKED = "SELECT id, shard, message_row, destination, msg_key FROM ";

  private final SqlDialect dialect;
  private final String parked;
  private final String message;
  private final String retry;

  ParkedTable(JdbcDatabase database) {
    this.dialect = database.dialect();
    this.parked = database.table("outbox_parked");
    this.message = database.table("outbox_message");
    this.retry = database.table("outbox_retry");
  }

  List<ParkedMessage> page(Connection connection, ParkedFilter filter, long after, int limit)
      throws SQLException {
    String sql = SHOWN + parked + " WHERE id > ?" + filter.sql() + " ORDER BY id LIMIT " + limit;
    List<Object> parameters = new ArrayList<>(List.of(after));
    parameters.addAll(filter.parameters());
    List<ParkedMessage> found = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      RowTables.bind(select, parameters.toArray());
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          found.add(read(row));
        }
      }
    }
    return found;
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
    ParkedMessage found;
    try (PreparedStatement select = connection.prepareStatement(SHOWN + parked + " WHERE id = ?")) {
      select.setLong(1, id);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        found = read(row);
      }
    }
    if (found.key().isEmpty()) {
      return Optional.of(new ParkedExplanation(found, false, List.of(), 0));
    }
    String key = found.key().get();
    List<Long> blockers = blockers(connection, found.destination(), key);
    int waiting = waiting(connection, id, found.destination(), key);
    return Optional.of(
        new ParkedExplanation(
            found, !blockers.isEmpty(), blockers, blockers.isEmpty() ? 0 : waiting));
  }

  private List<Long> blockers(Connection connection, String destination, String key)
      throws SQLException {
    List<Long> ids = new ArrayList<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT p.id FROM "
                + parked
                + " p JOIN "
                + retry
                + " r ON r.shard = p.shard AND r.message_row = p.message_row"
                + " WHERE r.next_at IS NULL AND p.destination = ? AND p.msg_key = ?"
                + " ORDER BY p.message_row LIMIT 100")) {
      RowTables.bind(select, destination, key);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          ids.add(row.getLong(1));
        }
      }
    }
    return ids;
  }

  private int waiting(Connection connection, long id, String destination, String key)
      throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT count(*) FROM (SELECT 1 FROM "
                + message
                + " WHERE shard = (SELECT shard FROM "
                + parked
                + " WHERE id = ?) AND destination = ? AND msg_key = ? LIMIT 1000) x")) {
      RowTables.bind(select, id, destination, key);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getInt(1);
      }
    }
  }

  List<Entry> lock(Connection connection, long id) throws SQLException {
    return lock(connection, LOCKED + parked + " WHERE id = ? FOR UPDATE", List.of(id));
  }

  List<Entry> lockAll(Connection connection, ParkedFilter filter, int limit) throws SQLException {
    return lock(
        connection,
        LOCKED
            + parked
            + " WHERE 1 = 1"
            + filter.sql()
            + " ORDER BY message_row LIMIT "
            + limit
            + " FOR UPDATE",
        filter.parameters());
  }

  private static List<Entry> lock(Connection connection, String sql, List<Object> parameters)
      throws SQLException {
    List<Entry> entries = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      RowTables.bind(select, parameters.toArray());
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          entries.add(
              new Entry(
                  row.getLong(1),
                  row.getInt(2),
                  row.getLong(3),
                  row.getString(4),
                  row.getString(5)));
        }
      }
    }
    return entries;
  }

  void toTail(Connection connection, Entry entry) throws SQLException {
    String columns = "shard, destination, msg_key, payload, headers";
    RowTables.update(
        connection,
        "INSERT INTO "
            + message
            + " ("
            + columns
            + ") SELECT "
            + columns
            + " FROM "
            + parked
            + " WHERE id = ?",
        entry.id());
    remove(connection, entry);
  }

  void toFront(Connection connection, Entry entry) throws SQLException {
    if (unblock(connection, entry) == 0) {
      throw new IllegalStateException(
          "replay at front: " + entry + " (expected: one whose key is still blocked)");
    }
    String rest = ", destination, msg_key, payload, headers, created_at";
    RowTables.update(
        connection,
        "INSERT INTO "
            + message
            + " (shard, id"
            + rest
            + ")"
            + (dialect.isMySql() ? "" : " OVERRIDING SYSTEM VALUE")
            + " SELECT shard, message_row"
            + rest
            + " FROM "
            + parked
            + " WHERE id = ?",
        entry.id());
    remove(connection, entry);
  }

  void remove(Connection connection, Entry entry) throws SQLException {
    unblock(connection, entry);
    RowTables.update(connection, "DELETE FROM " + parked + " WHERE id = ?", entry.id());
  }

  private int unblock(Connection connection, Entry entry) throws SQLException {
    return RowTables.update(
        connection,
        "DELETE FROM " + retry + " WHERE next_at IS NULL AND shard = ? AND message_row = ?",
        entry.shard(),
        entry.row());
  }
}
