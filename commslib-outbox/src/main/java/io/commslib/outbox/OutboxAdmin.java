package io.commslib.outbox;

import io.commslib.core.checks.Checks;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Reads parked messages and decides about them. Applications and tools call it. Thread-safe; each
 * call is one transaction and blocks for it. Each decision is written to {@code outbox_audit} in
 * its transaction, with its author and reason. Relays see it within a few seconds.
 */
public final class OutboxAdmin {

  private static final int MAX_LIMIT = 10_000;

  /** The actions are stored in {@code outbox_audit}. They never change. */
  private static final String REDRIVE = "replay";

  private static final String REDRIVE_AT_FRONT = "replay at front";
  private static final String DISCARD = "discard";
  private static final String PAUSE = "pause";
  private static final String RESUME = "resume";

  private final SqlDialect dialect;
  private final OutboxTransactions transactions;
  private final ParkedTable parked;
  private final DestinationStops stopped;
  private final RowArchive archive;
  private final SqlTemplate readAudit;
  private final SqlStatement insertAudit;

  private OutboxAdmin(JdbcDatabase database) {
    this.dialect = database.dialect();
    this.transactions = new OutboxTransactions(database);
    this.parked = new ParkedTable(database);
    this.stopped = new DestinationStops(database);
    this.archive = new RowArchive(database);
    OutboxSql sql = new OutboxSql(database);
    this.readAudit =
        sql.template(
            """
            SELECT id, at, actor, reason, action, subject FROM @audit
            ORDER BY id DESC LIMIT {limit}
            """);
    this.insertAudit =
        sql.statement(
            """
            INSERT INTO @audit (at, actor, reason, action, subject) VALUES (@now, ?, ?, ?, ?)
            """);
  }

  /**
   * Creates an admin. Does not connect.
   *
   * @param database the database with the outbox's tables
   * @return new admin
   */
  public static OutboxAdmin create(JdbcDatabase database) {
    return new OutboxAdmin(Objects.requireNonNull(database, "database"));
  }

  /**
   * Returns the oldest parked messages.
   *
   * @param limit the maximum number of messages, 1 to 10,000
   * @return up to {@code limit} messages, oldest first
   * @throws io.commslib.core.StoreException if the database fails
   */
  public List<ParkedMessage> parked(int limit) {
    return parked(ParkedFilter.all(), 0, limit);
  }

  /**
   * Returns a page of parked messages.
   *
   * @param filter the messages to return
   * @param after the id of the last message of the previous page, or 0
   * @param limit the maximum number of messages, 1 to 10,000
   * @return up to {@code limit} messages, oldest first
   * @throws io.commslib.core.StoreException if the database fails
   */
  public List<ParkedMessage> parked(ParkedFilter filter, long after, int limit) {
    Objects.requireNonNull(filter, "filter");
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return transactions.run("admin", connection -> parked.page(connection, filter, after, limit));
  }

  /**
   * Explains why a message is parked and what it blocks.
   *
   * @param id from {@link ParkedMessage#id()}
   * @return the explanation; empty if the message is no longer parked
   * @throws io.commslib.core.StoreException if the database fails
   */
  public Optional<ParkedExplanation> explain(long id) {
    return transactions.run("admin", connection -> parked.explain(connection, id));
  }

  /**
   * Moves a parked message to the end of the outbox, behind all messages written before, and
   * unblocks its key if no other parked message blocks it. The message keeps its message id. Its
   * attempts count from 1 again.
   *
   * @param id from {@link ParkedMessage#id()}
   * @param actor the author of the decision, 1 to 200 characters
   * @param reason the reason, 1 to 1,000 characters
   * @return false if the message is no longer parked
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean redrive(long id, String actor, String reason) {
    return decide(REDRIVE, actor, reason, connection -> parked.lock(connection, id), parked::toTail)
        == 1;
  }

  /**
   * Moves a parked message back to its old place, before the later messages of its key, and
   * unblocks the key. The order of the key is kept.
   *
   * @param id from {@link ParkedMessage#id()}
   * @param actor the author of the decision, 1 to 200 characters
   * @param reason the reason, 1 to 1,000 characters
   * @return false if the message is no longer parked
   * @throws IllegalStateException if its key is no longer blocked, so that later messages may have
   *     been published; nothing was changed
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean redriveAtFront(long id, String actor, String reason) {
    return decide(
            REDRIVE_AT_FRONT,
            actor,
            reason,
            connection -> parked.lock(connection, id),
            parked::toFront)
        == 1;
  }

  /**
   * Moves a group of parked messages to the end of the outbox, in the order in which they were
   * written. The filter may choose those of an error class, of a cause or of a key. Works as {@link
   * #redrive} for each message, for all of them or for none.
   *
   * @param filter the messages to move
   * @param limit the maximum number of messages, 1 to 10,000; call again for the rest
   * @param actor the author of the decision, 1 to 200 characters
   * @param reason the reason, 1 to 1,000 characters
   * @return the number of moved messages
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public int redriveAll(ParkedFilter filter, int limit, String actor, String reason) {
    Objects.requireNonNull(filter, "filter");
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return decide(
        REDRIVE,
        actor,
        reason,
        connection -> parked.lockAll(connection, filter, limit),
        parked::toTail);
  }

  /**
   * Deletes a parked message forever and unblocks its key if no other parked message blocks it.
   *
   * @param id from {@link ParkedMessage#id()}
   * @param actor the author of the decision, 1 to 200 characters
   * @param reason the reason, 1 to 1,000 characters
   * @return false if the message is no longer parked
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean discard(long id, String actor, String reason) {
    return decide(DISCARD, actor, reason, connection -> parked.lock(connection, id), parked::remove)
        == 1;
  }

  /**
   * Stops all relays from publishing to a destination. Its messages wait.
   *
   * @param destination the text form, such as {@code queue:orders}
   * @param actor the author of the decision, 1 to 200 characters
   * @param reason the reason, 1 to 1,000 characters
   * @return false if the destination was already stopped
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean pause(String destination, String actor, String reason) {
    Checks.text("destination", destination, 1, 200);
    return audited(
        PAUSE,
        actor,
        reason,
        destination,
        connection -> stopped.stop(connection, destination, reason));
  }

  /**
   * Lets the relays publish to a stopped destination again.
   *
   * @param destination the text form, such as {@code queue:orders}
   * @param actor the author of the decision, 1 to 200 characters
   * @param reason the reason, 1 to 1,000 characters
   * @return false if the destination was not stopped
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean resume(String destination, String actor, String reason) {
    Checks.text("destination", destination, 1, 200);
    return audited(
        RESUME, actor, reason, destination, connection -> stopped.resume(connection, destination));
  }

  /**
   * Deletes archived messages, oldest first, in one batch. Call it until it returns less than the
   * limit.
   *
   * @param before the first day to keep, in UTC
   * @param limit the maximum number of messages, 1 to 10,000
   * @return the number of deleted messages
   * @throws io.commslib.core.StoreException if the database fails; nothing was deleted
   */
  public int purgeArchive(LocalDate before, int limit) {
    Objects.requireNonNull(before, "before");
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return transactions.run("purge", connection -> archive.purge(connection, before, limit));
  }

  /**
   * Returns the latest decisions.
   *
   * @param limit the maximum number of decisions, 1 to 10,000
   * @return up to {@code limit} decisions, newest first
   * @throws io.commslib.core.StoreException if the database fails
   */
  public List<AuditEntry> audit(int limit) {
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return transactions.run("admin", connection -> readAudit(connection, limit));
  }

  private List<AuditEntry> readAudit(Connection connection, int limit) throws SQLException {
    List<AuditEntry> found = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(readAudit.with(limit));
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        found.add(
            new AuditEntry(
                row.getLong(1),
                dialect.instant(row, 2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getString(6)));
      }
    }
    return found;
  }

  private interface Change {
    void apply(Connection connection, ParkedTable.Entry entry) throws SQLException;
  }

  private int decide(
      String action,
      String actor,
      String reason,
      OutboxTransactions.Work<List<ParkedTable.Entry>> choice,
      Change change) {
    checkAuthorAndReason(actor, reason);
    return transactions.run(
        "admin",
        connection -> {
          List<ParkedTable.Entry> entries = choice.run(connection);
          for (ParkedTable.Entry entry : entries) {
            change.apply(connection, entry);
            insertAudit(connection, actor, reason, action, entry.toString());
          }
          return entries.size();
        });
  }

  private boolean audited(
      String action,
      String actor,
      String reason,
      String subject,
      OutboxTransactions.Work<Boolean> work) {
    checkAuthorAndReason(actor, reason);
    return transactions.run(
        "admin",
        connection -> {
          boolean changed = work.run(connection);
          if (changed) {
            insertAudit(connection, actor, reason, action, subject);
          }
          return changed;
        });
  }

  private static void checkAuthorAndReason(String actor, String reason) {
    Checks.text("actor", actor, 1, 200);
    Checks.text("reason", reason, 1, 1_000);
  }

  private void insertAudit(
      Connection connection, String actor, String reason, String action, String subject)
      throws SQLException {
    insertAudit.update(connection, actor, reason, action, subject);
  }
}
