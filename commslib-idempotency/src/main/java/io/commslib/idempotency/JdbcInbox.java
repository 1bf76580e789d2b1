package io.commslib.idempotency;

import io.commslib.core.idempotency.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.spi.Checks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;

/**
 * The inbox in a table of the service's own database: one insert in the handler's transaction. Its
 * table is that of {@link InboxSchema}. Thread-safe; holds no connection.
 *
 * <p>On PostgreSQL the bound of the wait for a concurrent duplicate, {@link
 * InboxConfig#lockTimeout()}, holds until the end of the handler's transaction, so also for the
 * locks the handler itself waits for; on H2 for this insert only.
 *
 * @since 0.1
 */
public final class JdbcInbox implements Inbox {

  private final JdbcDatabase database;
  private final InboxConfig config;
  private final JdbcTransactionRunner transactions;
  private final String insert;

  private JdbcInbox(JdbcDatabase database, InboxConfig config) {
    this.database = database;
    this.config = config;
    this.transactions = JdbcTransactionRunner.create(database);
    String into =
        "INSERT INTO " + database.table("inbox") + " (consumer, message_id, received_at) ";
    String now = database.dialect().now();
    // On PostgreSQL the bound of the wait travels in the same statement: one round trip.
    this.insert =
        database.dialect() == SqlDialect.POSTGRESQL
            ? into
                + "SELECT ?, ?, "
                + now
                + " FROM (SELECT set_config('lock_timeout', '"
                + config.lockTimeout().toMillis()
                + "', true)) AS bound ON CONFLICT DO NOTHING"
            : into + "VALUES (?, ?, " + now + ")";
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
      return database.dialect() == SqlDialect.POSTGRESQL
          ? insert(connection, consumer, message.idempotencyKey())
          : insertOnH2(connection, consumer, message.idempotencyKey());
    } catch (SQLException e) {
      throw SqlErrors.translate("inbox", e);
    }
  }

  private boolean insert(Connection connection, String consumer, String id) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      statement.setString(1, consumer);
      statement.setString(2, id);
      return statement.executeUpdate() == 1;
    }
  }

  /**
   * On H2 a failed statement leaves the transaction intact; the bound of waits is the session's.
   */
  private boolean insertOnH2(Connection connection, String consumer, String id)
      throws SQLException {
    try (Statement session = connection.createStatement()) {
      int usual;
      try (ResultSet row = session.executeQuery("CALL LOCK_TIMEOUT()")) {
        row.next();
        usual = row.getInt(1);
      }
      session.execute(database.dialect().lockTimeout(config.lockTimeout().toMillis()));
      try {
        return insert(connection, consumer, id);
      } catch (SQLException e) {
        if (SqlErrors.isDuplicateKey(e)) {
          return false;
        }
        throw e;
      } finally {
        session.execute(database.dialect().lockTimeout(usual));
      }
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
    int removed;
    do {
      removed = purgeBatch(sql);
      all += removed;
    } while (removed == config.purgeBatch());
    return all;
  }

  private int purgeBatch(String sql) {
    try {
      return transactions.<Integer, SQLException>run(
          tx -> {
            try (PreparedStatement delete = tx.unwrap(Connection.class).prepareStatement(sql)) {
              delete.setLong(1, -config.retention().toMillis());
              return delete.executeUpdate();
            }
          });
    } catch (SQLException e) {
      throw SqlErrors.translate("inbox purge", e);
    }
  }

  @Override
  public DatabaseId database() {
    return database.id();
  }
}
