package io.commslib.idempotency;

import io.commslib.core.StoreException;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.Purge;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The inbox in a table of the service's own database, created by {@link InboxSchema}: one insert in
 * the handler's transaction, for a single message and for a batch. Thread-safe; keeps no connection
 * between calls.
 *
 * <p>The maximum wait for a concurrent duplicate, {@link InboxConfig#lockTimeout()}, applies to
 * this insert only; after it the limit of the handler's session applies again. On MariaDB the wait
 * is rounded up to whole seconds; on MySQL the session's {@code innodb_lock_wait_timeout} applies
 * instead.
 */
public final class JdbcInbox implements Inbox {

  private final JdbcDatabase database;
  private final InboxConfig config;
  private final JdbcTransactionRunner transactions;
  private final InboxInsert inserts;
  private final Purge purge;

  private JdbcInbox(JdbcDatabase database, InboxConfig config) {
    this.database = database;
    this.config = config;
    this.transactions = JdbcTransactionRunner.create(database);
    this.inserts = InboxInsert.of(database, config.lockTimeout());
    String before =
        database
            .dialect()
            .nowPlusMillis()
            .replace("?", Long.toString(-config.retention().toMillis()));
    this.purge =
        Purge.of(
            database,
            "inbox",
            List.of("consumer", "message_id"),
            "received_at < " + before,
            config.purgeBatch());
  }

  /**
   * Checks the table and creates an inbox. Blocks.
   *
   * @param database database of its table and of the handlers' transactions
   * @param config settings
   * @return new inbox
   * @throws StoreException {@code COMMS-JDBC-010} if the table is missing, {@code COMMS-JDBC-011}
   *     or {@code COMMS-JDBC-012} if its version does not fit; {@code TRANSIENT} if the database
   *     can't be reached
   */
  public static JdbcInbox create(JdbcDatabase database, InboxConfig config) {
    Objects.requireNonNull(database, "database");
    Objects.requireNonNull(config, "config");
    InboxSchema.scripts().check(database);
    return new JdbcInbox(database, config);
  }

  @Override
  public boolean enter(TransactionContext tx, String consumer, Message message) {
    Connection connection = JdbcTransactions.connection(tx, database);
    try {
      return inserts.enter(connection, consumer, message.inboxKey());
    } catch (SQLException e) {
      throw failed(tx, e);
    }
  }

  @Override
  public boolean[] enterAll(TransactionContext tx, String consumer, List<Message> messages) {
    Connection connection = JdbcTransactions.connection(tx, database);
    List<String> ids = messages.stream().map(Message::inboxKey).sorted().distinct().toList();
    boolean[] answers = new boolean[messages.size()];
    if (ids.isEmpty()) {
      return answers;
    }
    try {
      Set<String> fresh = inserts.enterAll(connection, consumer, ids);
      for (int place = 0; place < answers.length; place++) {
        answers[place] = fresh.remove(messages.get(place).inboxKey());
      }
      return answers;
    } catch (SQLException e) {
      throw failed(tx, e);
    }
  }

  /** On some databases the rest of the transaction could still be committed, without the entry. */
  private static StoreException failed(TransactionContext tx, SQLException failure) {
    StoreException translated = SqlErrors.translate("inbox", failure);
    tx.fail(translated);
    return translated;
  }

  @Override
  public Duration retention() {
    return config.retention();
  }

  @Override
  public long purge() {
    long all = 0;
    int removed;
    do {
      removed = purgeBatch();
      all += removed;
    } while (removed == config.purgeBatch());
    return all;
  }

  private int purgeBatch() {
    try {
      return transactions.<Integer, SQLException>run(tx -> purge.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("inbox purge", e);
    }
  }

  @Override
  public DatabaseId database() {
    return database.id();
  }
}
