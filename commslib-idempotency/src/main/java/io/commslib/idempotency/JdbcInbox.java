package io.commslib.idempotency;

import io.commslib.core.idempotency.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.spi.Checks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;

/**
 * The inbox in a table of the service's own database: one insert in the handler's transaction. Its
 * table is that of {@link InboxSchema}. Thread-safe; holds no connection.
 *
 * @since 0.1
 */
public final class JdbcInbox implements Inbox {

  private final JdbcDatabase database;
  private final InboxConfig config;
  private final String insert;

  private JdbcInbox(JdbcDatabase database, InboxConfig config) {
    this.database = database;
    this.config = config;
    this.insert =
        "INSERT INTO "
            + database.table("inbox")
            + " (consumer, message_id, received_at) VALUES (?, ?, "
            + database.dialect().now()
            + ")"
            + database.dialect().onConflictDoNothing();
  }

  /**
   * Creates an inbox.
   *
   * @param database where its table lies; the handlers' transactions must run on it
   * @param config settings
   * @return new inbox
   */
  public static JdbcInbox create(JdbcDatabase database, InboxConfig config) {
    return new JdbcInbox(
        Objects.requireNonNull(database, "database"), Objects.requireNonNull(config, "config"));
  }

  @Override
  public boolean enter(TransactionContext tx, String consumer, Message message) {
    Checks.check(
        tx.database().equals(database.id()),
        "transaction",
        tx.database(),
        "one on " + database.id());
    Connection connection = tx.unwrap(Connection.class);
    try {
      boundWait(connection);
      try (PreparedStatement statement = connection.prepareStatement(insert)) {
        statement.setString(1, consumer);
        statement.setString(2, message.idempotencyKey());
        return statement.executeUpdate() == 1;
      }
    } catch (SQLException e) {
      if (database.dialect() == SqlDialect.H2 && SqlErrors.isDuplicateKey(e)) {
        // On H2 a failed statement leaves the transaction intact.
        return false;
      }
      throw SqlErrors.translate("inbox", e);
    }
  }

  /** A first holder that hangs must not hold every duplicate behind it for ever. */
  private void boundWait(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(database.dialect().lockTimeout(config.lockTimeout().toMillis()));
    }
  }

  @Override
  public Duration retention() {
    return config.retention();
  }

  @Override
  public long purge() {
    String sql =
        "DELETE FROM "
            + database.table("inbox")
            + " WHERE (consumer, message_id) IN (SELECT consumer, message_id FROM "
            + database.table("inbox")
            + " WHERE received_at < "
            + database.dialect().nowPlusMillis()
            + " LIMIT "
            + config.purgeBatch()
            + ")";
    long all = 0;
    try (Connection connection = database.dataSource().getConnection();
        PreparedStatement delete = connection.prepareStatement(sql)) {
      int removed;
      do {
        delete.setLong(1, -config.retention().toMillis());
        removed = delete.executeUpdate();
        all += removed;
      } while (removed == config.purgeBatch());
      return all;
    } catch (SQLException e) {
      throw SqlErrors.translate("inbox purge", e);
    }
  }

  @Override
  public DatabaseId database() {
    return database.id();
  }
}
