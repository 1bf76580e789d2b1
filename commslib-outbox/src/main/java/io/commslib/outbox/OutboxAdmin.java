package io.commslib.outbox;

import io.commslib.core.spi.Checks;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Looks at parked messages and decides about them. Applications and tools call it. Thread-safe;
 * each call is one transaction and blocks for it.
 *
 * @since 0.1
 */
public final class OutboxAdmin {

  private final JdbcDatabase database;
  private final OutboxTransactions transactions;

  private OutboxAdmin(JdbcDatabase database) {
    this.database = database;
    this.transactions = new OutboxTransactions(database);
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
    Checks.inRange("limit", limit, 1, 10_000);
    return transactions.run(
        "admin",
        connection -> {
          List<ParkedMessage> found = new ArrayList<>();
          try (PreparedStatement select =
                  connection.prepareStatement(
                      "SELECT id, destination, msg_key, attempts, error_code, last_error, parked_at FROM "
                          + database.table("outbox_parked")
                          + " ORDER BY id LIMIT "
                          + limit);
              ResultSet row = select.executeQuery()) {
            while (row.next()) {
              found.add(
                  new ParkedMessage(
                      row.getLong(1),
                      row.getString(2),
                      row.getString(3),
                      row.getInt(4),
                      row.getString(5),
                      row.getString(6),
                      row.getTimestamp(7).toInstant()));
            }
          }
          return found;
        });
  }

  /**
   * Puts a parked message back to its old place, so before the later messages of its key if those
   * were blocked, and unblocks the key. Its attempts count from 1 again. Relays see it within a few
   * seconds.
   *
   * @param id from {@link ParkedMessage#id()}
   * @return false if there is no such message any more
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean replay(long id) {
    return transactions.run(
        "admin",
        connection -> {
          String parked = database.table("outbox_parked");
          int back =
              OutboxTables.update(
                  connection,
                  "INSERT INTO "
                      + database.table("outbox_message")
                      + " (shard, id, destination, msg_key, payload, headers, created_at) OVERRIDING SYSTEM VALUE"
                      + " SELECT shard, message_row, destination, msg_key, payload, headers, created_at FROM "
                      + parked
                      + " WHERE id = ?",
                  id);
          return back == 1 && remove(connection, id);
        });
  }

  /**
   * Removes a parked message for good and unblocks its key.
   *
   * @param id from {@link ParkedMessage#id()}
   * @return false if there is no such message any more
   * @throws io.commslib.core.StoreException if the database fails; nothing was changed
   */
  public boolean discard(long id) {
    return transactions.run("admin", connection -> remove(connection, id));
  }

  private boolean remove(Connection connection, long id) throws SQLException {
    String parked = database.table("outbox_parked");
    OutboxTables.update(
        connection,
        "DELETE FROM "
            + database.table("outbox_retry")
            + " WHERE next_at IS NULL AND (shard, message_row) IN (SELECT shard, message_row FROM "
            + parked
            + " WHERE id = ?)",
        id);
    return OutboxTables.update(connection, "DELETE FROM " + parked + " WHERE id = ?", id) == 1;
  }
}
