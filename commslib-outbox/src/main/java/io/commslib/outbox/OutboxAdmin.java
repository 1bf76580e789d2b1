package io.commslib.outbox;

import io.commslib.core.checks.Checks;
import io.commslib.jdbc.JdbcDatabase;
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
 * Looks at parked messages and decides about them. Applications and tools call it. Thread-safe;
 * each call is one transaction and blocks for it. What it decides is written to {@code
 * outbox_audit} in the same transaction, with who and why. Relays see it within a few seconds.
 */
public final class OutboxAdmin {

  private static final int MAX_LIMIT = 10_000;

  private final JdbcDatabase database;
  private final OutboxTransactions transactions;
  private final ParkedTable parked;
  private final DestinationStops stopped;
  private final RowArchive archive;

  private OutboxAdmin(JdbcDatabase database) {
    this.database = database;
    this.transactions = new OutboxTransactions(database);
    this.parked = new ParkedTable(database);
    this.stopped = new DestinationStops(database);
    this.archive = new RowArchive(database);
  }

  /**
   * Creates an admin.
   *
   * @param database where the outbox's tables lie
   * @return new admin
   */
  public static OutboxAdmin create(JdbcDatabase database) {
    return new OutboxAdmin(Objects.requireNonNull(database, "database"));
  }

  /**
   * Returns parked messages, oldest first.
   *
   * @param limit how many at most, 1 to 10,000
   * @return up to {@code limit}
   * @throws io.commslib.core.StoreException if the database fails
   */
  public List<ParkedMessage> parked(int limit) {
    return parked(ParkedFilter.all(), 0, limit);
  }

  /**
   * Returns a page of parked messages, oldest first.
   *
   * @param filter which
   * @param after id of the last message of the page before, or 0
   * @param limit how many at most, 1 to 10,000
   * @return up to {@code limit}
   * @throws io.commslib.core.StoreException if the database fails
   */
  public List<ParkedMessage> parked(ParkedFilter filter, long after, int limit) {
    Objects.requireNonNull(filter, "filter");
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return transactions.run("admin", connection -> parked.page(connection, filter, after, limit));
  }

  /**
   * Tells why a message is parked and what it blocks.
   *
   * @param id from {@link ParkedMessage#id()}
   * @return empty if there is no such message any more
   * @throws io.commslib.core.StoreException if the database fails
   */
  public Optional<ParkedExplanation> explain(long id) {
    return transactions.run("admin", connection -> parked.explain(connection, id));
  }

  /**
   * Puts a parked message to the end of the outbox, behind all that is written by now, and unblocks
   * its key if no other parked message blocks it. It keeps its message id; its attempts count from
   * 1 again.
   *
   * @param id from {@link ParkedMessage#id()}
   * @param actor who decides, 1 to 200 characters
   * @param reason why, 1 to 1,000 characters
   * @return false if there is no such message any more
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean redrive(long id, String actor, String reason) {
    return decide(
            "replay", actor, reason, connection -> parked.lock(connection, id), parked::toTail)
        == 1;
  }

  /**
   * Puts a parked message back to its old place, before the later messages of its key, and unblocks
   * the key: order is kept.
   *
   * @param id from {@link ParkedMessage#id()}
   * @param actor who decides, 1 to 200 characters
   * @param reason why, 1 to 1,000 characters
   * @return false if there is no such message any more
   * @throws IllegalStateException if its key is not blocked any more: later messages may have gone
   *     out; nothing was changed
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean redriveAtFront(long id, String actor, String reason) {
    return decide(
            "replay at front",
            actor,
            reason,
            connection -> parked.lock(connection, id),
            parked::toFront)
        == 1;
  }

  /**
   * Puts a group of parked messages to the end of the outbox, in the order in which they were
   * written: those of an error class, of a cause, of a key. As {@link #redrive} for each, all or
   * none.
   *
   * @param filter which
   * @param limit how many at most, 1 to 10,000; call again for the rest
   * @param actor who decides, 1 to 200 characters
   * @param reason why, 1 to 1,000 characters
   * @return how many
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public int redriveAll(ParkedFilter filter, int limit, String actor, String reason) {
    Objects.requireNonNull(filter, "filter");
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return decide(
        "replay",
        actor,
        reason,
        connection -> parked.lockAll(connection, filter, limit),
        parked::toTail);
  }

  /**
   * Removes a parked message for good and unblocks its key if no other blocks it.
   *
   * @param id from {@link ParkedMessage#id()}
   * @param actor who decides, 1 to 200 characters
   * @param reason why, 1 to 1,000 characters
   * @return false if there is no such message any more
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean discard(long id, String actor, String reason) {
    return decide(
            "discard", actor, reason, connection -> parked.lock(connection, id), parked::remove)
        == 1;
  }

  /**
   * Stops publishing to a destination, by all relays; its messages wait.
   *
   * @param destination text form, such as {@code queue:orders}
   * @param actor who decides, 1 to 200 characters
   * @param reason why, 1 to 1,000 characters
   * @return false if it was stopped already
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean pause(String destination, String actor, String reason) {
    Checks.text("destination", destination, 1, 200);
    return audited(
        "pause",
        actor,
        reason,
        destination,
        connection -> stopped.stop(connection, destination, reason));
  }

  /**
   * Lets the relays publish to a stopped destination again.
   *
   * @param destination text form, such as {@code queue:orders}
   * @param actor who decides, 1 to 200 characters
   * @param reason why, 1 to 1,000 characters
   * @return false if it was not stopped
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean resume(String destination, String actor, String reason) {
    Checks.text("destination", destination, 1, 200);
    return audited(
        "resume",
        actor,
        reason,
        destination,
        connection -> stopped.resume(connection, destination));
  }

  /**
   * Deletes archived messages, oldest first, in one batch; call it until it returns less than the
   * limit.
   *
   * @param before the first day to keep, UTC
   * @param limit how many at most, 1 to 10,000
   * @return how many
   * @throws io.commslib.core.StoreException if the database fails; nothing was deleted
   */
  public int purgeArchive(LocalDate before, int limit) {
    Objects.requireNonNull(before, "before");
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return transactions.run("purge", connection -> archive.purge(connection, before, limit));
  }

  /**
   * Returns decisions, newest first.
   *
   * @param limit how many at most, 1 to 10,000
   * @return up to {@code limit}
   * @throws io.commslib.core.StoreException if the database fails
   */
  public List<AuditEntry> audit(int limit) {
    Checks.inRange("limit", limit, 1, MAX_LIMIT);
    return transactions.run(
        "admin",
        connection -> {
          List<AuditEntry> found = new ArrayList<>();
          try (PreparedStatement select =
                  connection.prepareStatement(
                      "SELECT id, at, actor, reason, action, subject FROM "
                          + database.table("outbox_audit")
                          + " ORDER BY id DESC LIMIT "
                          + limit);
              ResultSet row = select.executeQuery()) {
            while (row.next()) {
              found.add(
                  new AuditEntry(
                      row.getLong(1),
                      database.dialect().instant(row, 2),
                      row.getString(3),
                      row.getString(4),
                      row.getString(5),
                      row.getString(6)));
            }
          }
          return found;
        });
  }

  private interface Change {
    void of(Connection connection, ParkedTable.Entry entry) throws SQLException;
  }

  private int decide(
      String action,
      String actor,
      String reason,
      OutboxTransactions.Work<List<ParkedTable.Entry>> which,
      Change change) {
    checkWho(actor, reason);
    return transactions.run(
        "admin",
        connection -> {
          List<ParkedTable.Entry> entries = which.run(connection);
          for (ParkedTable.Entry entry : entries) {
            change.of(connection, entry);
            note(connection, actor, reason, action, entry.toString());
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
    checkWho(actor, reason);
    return transactions.run(
        "admin",
        connection -> {
          boolean changed = work.run(connection);
          if (changed) {
            note(connection, actor, reason, action, subject);
          }
          return changed;
        });
  }

  private static void checkWho(String actor, String reason) {
    Checks.text("actor", actor, 1, 200);
    Checks.text("reason", reason, 1, 1_000);
  }

  private void note(
      Connection connection, String actor, String reason, String action, String subject)
      throws SQLException {
    RowTables.update(
        connection,
        "INSERT INTO "
            + database.table("outbox_audit")
            + " (at, actor, reason, action, subject) VALUES ("
            + database.dialect().now()
            + ", ?, ?, ?, ?)",
        actor,
        reason,
        action,
        subject);
  }
}
