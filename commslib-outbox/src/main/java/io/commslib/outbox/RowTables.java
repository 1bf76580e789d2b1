package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlStatement;
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
 * The relay's writes. A message row is inserted once and deleted once, and never locked or updated.
 * Rows are deleted by explicit id, so that a row that commits late stays for the next read.
 * Immutable.
 */
final class RowTables {

  private final DatabaseRows rows;
  private final SqlStatement countFailure;
  private final SqlStatement insertFailure;
  private final SqlStatement attempts;
  private final SqlStatement exists;
  private final SqlStatement park;
  private final SqlStatement deleteMessage;
  private final SqlStatement blockKey;
  private final SqlStatement deleteRetry;
  private final String orphanedRetries;
  private final String shardsWithAttemptsDue;
  private final String anyRetry;
  private final SqlTemplate dueDelayed;
  private final SqlTemplate promote;
  private final String deleteDelayed;

  RowTables(JdbcDatabase database) {
    this.rows = DatabaseRows.of(database);
    OutboxSql sql = new OutboxSql(database);
    this.countFailure =
        sql.statement(
            """
            UPDATE @retry
            SET attempts = attempts + 1, next_at = @now_plus_millis, last_error = ?
            WHERE shard = ? AND message_row = ?
            """);
    this.insertFailure =
        sql.statement(
            """
            INSERT INTO @retry (shard, message_row, destination, msg_key, attempts, next_at,
              last_error, first_failed_at)
            VALUES (?, ?, ?, ?, 1, @now_plus_millis, ?, @now)
            """);
    this.attempts =
        sql.statement("SELECT attempts FROM @retry WHERE shard = ? AND message_row = ?");
    this.exists = sql.statement("SELECT 1 FROM @message WHERE shard = ? AND id = ?");
    this.park =
        sql.statement(
            """
            INSERT INTO @parked (shard, message_row, destination, msg_key, payload, headers,
              created_at, attempts, error_code, fingerprint, last_error, first_failed_at, parked_at)
            SELECT m.shard, m.id, m.destination, m.msg_key, m.payload, m.headers,
              m.created_at, r.attempts, ?, ?, r.last_error, r.first_failed_at, @now
            FROM @message m JOIN @retry r ON r.shard = m.shard AND r.message_row = m.id
            WHERE m.shard = ? AND m.id = ?
            """);
    this.deleteMessage = sql.statement("DELETE FROM @message WHERE shard = ? AND id = ?");
    this.blockKey =
        sql.statement("UPDATE @retry SET next_at = NULL WHERE shard = ? AND message_row = ?");
    this.deleteRetry = sql.statement("DELETE FROM @retry WHERE shard = ? AND message_row = ?");
    this.orphanedRetries =
        sql.text(
            """
            SELECT r.shard, r.message_row FROM @retry r
            WHERE NOT EXISTS (
                SELECT 1 FROM @message x WHERE x.shard = r.shard AND x.id = r.message_row)
              AND NOT EXISTS (
                SELECT 1 FROM @parked x WHERE x.shard = r.shard AND x.message_row = r.message_row)
            """);
    this.shardsWithAttemptsDue =
        sql.text("SELECT DISTINCT shard FROM @retry WHERE next_at IS NOT NULL");
    this.anyRetry = sql.text("SELECT 1 FROM @retry LIMIT 1");
    // A message that is being cancelled stays locked by the cancelling transaction.
    this.dueDelayed =
        sql.template(
            """
            SELECT id FROM @delayed WHERE due_at <= @now
            ORDER BY due_at, id LIMIT {limit} FOR UPDATE SKIP LOCKED
            """);
    this.promote =
        sql.template(
            """
            INSERT INTO @message (shard, destination, msg_key, payload, headers)
            SELECT shard, destination, msg_key, payload, headers
            FROM @delayed WHERE id IN ({ids}) ORDER BY due_at, id
            """);
    this.deleteDelayed = sql.text("DELETE FROM @delayed WHERE id = ?");
  }

  /**
   * Deletes confirmed rows by explicit id, never by range.
   *
   * @param retries whether some rows may have failed before, so that their retry state goes too
   */
  void delete(Connection connection, List<OutboxRow> confirmed, boolean retries)
      throws SQLException {
    rows.delete(connection, confirmed, retries);
  }

  /**
   * Counts a failed attempt. The row and its key wait for the given time.
   *
   * @return the number of failed attempts
   */
  int countFailure(Connection connection, OutboxRow row, String error, long waitMillis)
      throws SQLException {
    int known = countFailure.update(connection, waitMillis, error, row.shard(), row.id());
    if (known == 0) {
      insertFailure.update(
          connection, row.shard(), row.id(), row.destination(), row.key(), waitMillis, error);
    }
    return attempts(connection, row);
  }

  /** The number of failed attempts of a row. */
  int attempts(Connection connection, OutboxRow row) throws SQLException {
    return (int) attempts.number(connection, row.shard(), row.id());
  }

  /** Whether a row is still stored. */
  boolean exists(Connection connection, OutboxRow row) throws SQLException {
    return exists.number(connection, row.shard(), row.id()) == 1;
  }

  /**
   * Moves a row to the parked ones. Its key stays blocked or is released. The failure must be
   * counted before.
   */
  void park(Connection connection, OutboxRow row, String code, String error, boolean blocksKey)
      throws SQLException {
    String fingerprint = Fingerprints.of(code, row.destination(), error);
    park.update(connection, code, fingerprint, row.shard(), row.id());
    deleteMessage.update(connection, row.shard(), row.id());
    SqlStatement retry = blocksKey && row.key() != null ? blockKey : deleteRetry;
    retry.update(connection, row.shard(), row.id());
  }

  /**
   * Deletes the retry state of messages that no longer exist, so that it blocks no key: after a
   * deletion by a stale owner or by hand.
   */
  int clearRetriesWithoutMessage(Connection connection) throws SQLException {
    int cleared = 0;
    // A plain read first: in one statement, MySQL and MariaDB would wait for writers of messages.
    // An orphan stays one, because rows and their retry state move together.
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery(orphanedRetries);
        PreparedStatement delete = connection.prepareStatement(deleteRetry.text())) {
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

  /** The shards in which a message waits for its next attempt. Parked messages do not count. */
  Set<Integer> shardsWithAttemptsDue(Connection connection) throws SQLException {
    Set<Integer> shards = new HashSet<>();
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery(shardsWithAttemptsDue)) {
      while (found.next()) {
        shards.add(found.getInt(1));
      }
    }
    return shards;
  }

  /** Whether any retry state is stored. */
  boolean hasRetries(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery(anyRetry)) {
      return found.next();
    }
  }

  /**
   * Moves delayed messages that are due to the message table.
   *
   * @param limit the maximum number of messages
   * @return the number of moved messages
   */
  int promoteDelayed(Connection connection, int limit) throws SQLException {
    List<Long> ids = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery(dueDelayed.with(limit))) {
      while (found.next()) {
        ids.add(found.getLong(1));
      }
    }
    if (ids.isEmpty()) {
      return 0;
    }
    String list = ids.stream().map(String::valueOf).collect(Collectors.joining(", "));
    try (PreparedStatement update = connection.prepareStatement(promote.with(list))) {
      update.executeUpdate();
    }
    try (PreparedStatement delete = connection.prepareStatement(deleteDelayed)) {
      for (long id : ids) {
        delete.setLong(1, id);
        delete.addBatch();
      }
      delete.executeBatch();
    }
    return ids.size();
  }
}
