package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the relay writes. Message rows are inserted once and deleted once, never locked or updated;
 * they leave by explicit id, so a row that commits late is simply still there for the next read.
 */
final class RowTables {

  private final JdbcDatabase database;
  private final String message;
  private final String retry;
  private final String parked;
  private final String delayed;

  RowTables(JdbcDatabase database) {
    this.database = database;
    this.message = database.table("outbox_message");
    this.retry = database.table("outbox_retry");
    this.parked = database.table("outbox_parked");
    this.delayed = database.table("outbox_delayed");
  }

  /** Deletes confirmed rows by explicit id, never by range. */
  void acknowledge(Connection connection, List<OutboxRow> rows, boolean retries)
      throws SQLException {
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(PostgresRows.deletes(1));
      }
    }
    deleteByIds(connection, message, "id", rows);
    if (retries) {
      deleteByIds(connection, retry, "message_row", rows);
    }
  }

  private void deleteByIds(
      Connection connection, String table, String idColumn, List<OutboxRow> rows)
      throws SQLException {
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      try (PreparedStatement delete =
          connection.prepareStatement(
              "DELETE FROM " + table + PostgresRows.listed(table, idColumn))) {
        PostgresRows.setList(delete, 1, rows);
        delete.executeUpdate();
      }
      return;
    }
    if (database.dialect().isMySql()) {
      update(connection, "DELETE t FROM " + RowIds.listed(table, idColumn), RowIds.list(rows));
      return;
    }
    try (PreparedStatement delete =
        connection.prepareStatement(
            "DELETE FROM " + table + " WHERE shard = ? AND " + idColumn + " = ?")) {
      for (OutboxRow row : rows) {
        delete.setInt(1, row.shard());
        delete.setLong(2, row.id());
        delete.addBatch();
      }
      delete.executeBatch();
    }
  }

  /**
   * Counts a failed attempt and says how many there were; the row and its key wait until the time
   * given.
   */
  int countFailure(Connection connection, OutboxRow row, String error, long waitMillis)
      throws SQLException {
    String now = database.dialect().now();
    String later = database.dialect().nowPlusMillis();
    int known =
        update(
            connection,
            "UPDATE "
                + retry
                + " SET attempts = attempts + 1, next_at = "
                + later
                + ", last_error = ?"
                + " WHERE shard = ? AND message_row = ?",
            waitMillis,
            error,
            row.shard(),
            row.id());
    if (known == 0) {
      update(
          connection,
          "INSERT INTO "
              + retry
              + " (shard, message_row, destination, msg_key, attempts, next_at, last_error,"
              + " first_failed_at) VALUES (?, ?, ?, ?, 1, "
              + later
              + ", ?, "
              + now
              + ")",
          row.shard(),
          row.id(),
          row.destination(),
          row.key(),
          waitMillis,
          error);
    }
    return attempts(connection, row);
  }

  int attempts(Connection connection, OutboxRow row) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT attempts FROM " + retry + " WHERE shard = ? AND message_row = ?")) {
      select.setInt(1, row.shard());
      select.setLong(2, row.id());
      try (ResultSet found = select.executeQuery()) {
        return found.next() ? found.getInt(1) : 0;
      }
    }
  }

  /** Whether a row is still there. */
  boolean exists(Connection connection, OutboxRow row) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement("SELECT 1 FROM " + message + " WHERE shard = ? AND id = ?")) {
      select.setInt(1, row.shard());
      select.setLong(2, row.id());
      try (ResultSet found = select.executeQuery()) {
        return found.next();
      }
    }
  }

  /**
   * Moves a row to the parked ones; its key stays blocked, or goes on. Expects the failure counted
   * before.
   */
  void park(Connection connection, OutboxRow row, String code, String error, boolean blockKey)
      throws SQLException {
    String now = database.dialect().now();
    update(
        connection,
        "INSERT INTO "
            + parked
            + " (shard, message_row, destination, msg_key, payload, headers, created_at, attempts,"
            + " error_code, fingerprint, last_error, first_failed_at, parked_at) SELECT m.shard, m.id, m.destination, m.msg_key,"
            + " m.payload, m.headers, m.created_at, r.attempts, ?, ?, r.last_error, r.first_failed_at, "
            + now
            + " FROM "
            + message
            + " m JOIN "
            + retry
            + " r ON r.shard = m.shard AND r.message_row = m.id"
            + " WHERE m.shard = ? AND m.id = ?",
        code,
        Fingerprints.of(code, row.destination(), error),
        row.shard(),
        row.id());
    update(
        connection,
        "DELETE FROM " + message + " WHERE shard = ? AND id = ?",
        row.shard(),
        row.id());
    String where = " WHERE shard = ? AND message_row = ?";
    update(
        connection,
        blockKey && row.key() != null
            ? "UPDATE " + retry + " SET next_at = NULL" + where
            : "DELETE FROM " + retry + where,
        row.shard(),
        row.id());
  }

  /**
   * Removes what is known of failures of messages that are gone, so that no key stays blocked by
   * them: a stale owner's acknowledgement, or a hand that deleted rows.
   */
  int clearRetriesWithoutMessage(Connection connection) throws SQLException {
    String same = " x WHERE x.shard = r.shard AND x.";
    // Looked for first: in one statement, MySQL and MariaDB would wait for whoever writes messages.
    // What is found stays so: rows and what is known of them are moved together.
    String orphans =
        "SELECT r.shard, r.message_row FROM "
            + retry
            + " r WHERE NOT EXISTS (SELECT 1 FROM "
            + message
            + same
            + "id = r.message_row) AND NOT EXISTS (SELECT 1 FROM "
            + parked
            + same
            + "message_row = r.message_row)";
    int cleared = 0;
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery(orphans);
        PreparedStatement delete =
            connection.prepareStatement(
                "DELETE FROM " + retry + " WHERE shard = ? AND message_row = ?")) {
      while (found.next()) {
        delete.setInt(1, found.getInt(1));
        delete.setLong(2, found.getLong(2));
        delete.addBatch();
        cleared++;
      }
      if (cleared > 0) {
        delete.executeBatch();
      }
    }
    return cleared;
  }

  /** Shards in which a message waits for its next attempt; those blocked by a parked one aside. */
  Set<Integer> shardsWithAttemptsDue(Connection connection) throws SQLException {
    Set<Integer> shards = new HashSet<>();
    try (Statement statement = connection.createStatement();
        ResultSet found =
            statement.executeQuery(
                "SELECT DISTINCT shard FROM " + retry + " WHERE next_at IS NOT NULL")) {
      while (found.next()) {
        shards.add(found.getInt(1));
      }
    }
    return shards;
  }

  boolean hasRetries(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery("SELECT 1 FROM " + retry + " LIMIT 1")) {
      return found.next();
    }
  }

  /** Moves due delayed messages to the message table; returns how many. */
  int promoteDelayed(Connection connection, int limit) throws SQLException {
    List<Long> ids = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet found =
            statement.executeQuery(
                "SELECT id FROM "
                    + delayed
                    + " WHERE due_at <= "
                    + database.dialect().now()
                    + " ORDER BY due_at, id LIMIT "
                    + limit
                    // One that is being cancelled is left to whoever cancels it.
                    + " FOR UPDATE SKIP LOCKED")) {
      while (found.next()) {
        ids.add(found.getLong(1));
      }
    }
    if (ids.isEmpty()) {
      return 0;
    }
    update(
        connection,
        "INSERT INTO "
            + message
            + " (shard, destination, msg_key, payload, headers) SELECT shard, destination, msg_key,"
            + " payload, headers FROM "
            + delayed
            + " WHERE id IN ("
            + ids.stream().map(String::valueOf).collect(Collectors.joining(", "))
            + ") ORDER BY due_at, id");
    try (PreparedStatement delete =
        connection.prepareStatement("DELETE FROM " + delayed + " WHERE id = ?")) {
      for (long id : ids) {
        delete.setLong(1, id);
        delete.addBatch();
      }
      delete.executeBatch();
    }
    return ids.size();
  }

  /** Removes a delayed message; false if there is none (any more). */
  static boolean cancel(Connection connection, JdbcDatabase database, String identity)
      throws SQLException {
    String delayed = database.table("outbox_delayed");
    List<Long> ids = new ArrayList<>();
    // Looked for first: a delete by an id that is not there keeps others from writing beside it.
    try (PreparedStatement select =
        connection.prepareStatement("SELECT id FROM " + delayed + " WHERE message_id = ?")) {
      select.setString(1, identity);
      try (ResultSet found = select.executeQuery()) {
        while (found.next()) {
          ids.add(found.getLong(1));
        }
      }
    }
    int removed = 0;
    for (long id : ids) {
      removed += update(connection, "DELETE FROM " + delayed + " WHERE id = ?", id);
    }
    return removed > 0;
  }

  static int update(Connection connection, String sql, Object... parameters) throws SQLException {
    try (PreparedStatement update = connection.prepareStatement(sql)) {
      bind(update, parameters);
      return update.executeUpdate();
    }
  }

  static void bind(PreparedStatement statement, Object... parameters) throws SQLException {
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
  }
}
