package io.commslib.outbox;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.CallTrail;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;

/**
 * The outbox in the service's own database. Its tables are those of {@link OutboxSchema}.
 * Thread-safe; keeps no connection.
 *
 * <pre>{@code
 * JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
 * transactions.run(
 *     tx -> {
 *       outbox.publish(tx, ORDERS, placed);
 *       return null;
 *     });
 * }</pre>
 */
public final class JdbcOutbox implements Outbox {

  /** The SQL states of a missing table or schema on PostgreSQL, MySQL and MariaDB, and H2. */
  private static final Set<String> MISSING_TABLE = Set.of("42P01", "42S02", "42S04", "90079");

  /** More bytes than a message's headers, key and destination take. */
  private static final long NON_BODY_RESERVE_BYTES = 1L << 18;

  private final JdbcDatabase database;
  private final OutboxConfig config;
  private final Set<WakeSignal> relays = new CopyOnWriteArraySet<>();
  private final Set<WakeSignal> notifiers = new CopyOnWriteArraySet<>();
  private final RowWriter rows;
  private final KeyLocks keyLocks;

  private JdbcOutbox(JdbcDatabase database, OutboxConfig config) {
    this.database = database;
    this.config = config;
    this.rows = new RowWriter(database, config);
    this.keyLocks = KeyLocks.of(database);
  }

  /**
   * Checks the tables and creates an outbox. The first outbox on the tables stores its number of
   * shards there, and every later one compares. Blocks for a transaction of its own, even if the
   * caller's thread is in one. Create one outbox per process, before its first transaction.
   *
   * @param database the database with the outbox's tables
   * @param config the settings
   * @return new outbox
   * @throws IllegalArgumentException if the database accepts no statement that is long enough for
   *     the largest message
   * @throws StoreException {@code COMMS-OUTBOX-001} if the tables were created with another number
   *     of shards, {@code COMMS-JDBC-010} if they are missing, {@code COMMS-JDBC-011} or {@code
   *     COMMS-JDBC-012} if their version does not fit; {@code TRANSIENT} if the database is
   *     unreachable
   */
  public static JdbcOutbox create(JdbcDatabase database, OutboxConfig config) {
    Objects.requireNonNull(database, "database");
    Objects.requireNonNull(config, "config");
    long most = (database.maxStatementBytes() - NON_BODY_RESERVE_BYTES) / UnionRows.ESCAPING_FACTOR;
    Checks.check(
        config.maxMessageBytes() <= most,
        "maxMessageBytes",
        config.maxMessageBytes(),
        "0.." + most + ", as the database's max_allowed_packet allows");
    OutboxSchema.scripts().check(database);
    ShardCount shards = new ShardCount(database, config.shards());
    new OutboxTransactions(database)
        .run(
            "prepare",
            connection -> {
              shards.store(connection);
              return null;
            });
    return new JdbcOutbox(database, config);
  }

  @Override
  public void publish(TransactionContext tx, Destination to, Message message) {
    publishAll(tx, to, List.of(message));
  }

  @Override
  public void publishAll(TransactionContext tx, Destination to, List<Message> messages) {
    Connection connection = JdbcTransactions.connection(tx, database);
    for (Message message : messages) {
      checkRules(message);
      int bytes = message.sharedBody().length;
      if (bytes > config.maxMessageBytes()) {
        Checks.check(
            false,
            "message bytes",
            bytes,
            "0.." + config.maxMessageBytes() + ", maxMessageBytes of OutboxConfig");
      }
    }
    try {
      rows.write(connection, to, messages.stream().map(CallTrail::carriedOn).toList());
    } catch (SQLException e) {
      throw failed(tx, "insert", e);
    }
    tx.afterCommit(this::wake);
  }

  /** Refuses a message of another program that the table or a transport would not accept. */
  static void checkRules(Message message) {
    message
        .violation()
        .ifPresent(
            rule -> {
              throw new IllegalArgumentException("message as it was received: " + rule);
            });
  }

  /**
   * Makes this transaction the only one that writes messages of a key, until it ends. Call it
   * before the transaction writes its first message of the key. It is for writers that are not
   * serialised by a row they all change; with it, their messages are published in commit order.
   * Only writers that call it wait. Blocks while another transaction has the key. Lock several keys
   * in the same order everywhere; otherwise two transactions may wait for each other until the
   * database ends one.
   *
   * @param tx the running transaction, on this outbox's database
   * @param key the messages' key
   * @throws IllegalArgumentException if {@code tx} belongs to another database
   * @throws IllegalStateException as {@link #publish}
   * @throws StoreException if the database fails or ends the wait; the transaction must roll back
   */
  public void ordered(TransactionContext tx, String key) {
    Objects.requireNonNull(key, "key");
    Connection connection = JdbcTransactions.connection(tx, database);
    try {
      keyLocks.lock(connection, key);
    } catch (SQLException e) {
      throw failed(tx, "key lock", e);
    }
  }

  /**
   * Writes a message that is published at the given time, by the database's clock and up to a poll
   * interval late. In the order of its key it comes behind all messages written before that time.
   *
   * @param tx the running transaction, on this outbox's database
   * @param to the destination
   * @param message the message
   * @param at the time of publication
   * @throws IllegalArgumentException as {@link #publish}; nothing was written
   * @throws IllegalStateException as {@link #publish}; nothing was written
   * @throws StoreException if the database fails; the transaction must roll back
   */
  public void publishLater(TransactionContext tx, Destination to, Message message, Instant at) {
    publish(tx, to, message.toBuilder().deliverAt(at).build());
  }

  /**
   * Cancels a delayed message in the caller's transaction. If this returns true and the transaction
   * commits, the message is never published. If the transaction rolls back, the message is
   * published when due. Blocks while a relay is promoting the message. On MySQL and MariaDB, a
   * transaction with isolation REPEATABLE READ cancels only messages that were written before its
   * first read.
   *
   * @param tx the running transaction, on this outbox's database
   * @param message the message's id if its source is the outbox's own or it was built without one;
   *     otherwise its {@link Message#identity()}
   * @return whether the message was cancelled in time; false if there is no such delayed message,
   *     or no longer
   * @throws IllegalStateException as {@link #publish}
   * @throws StoreException if the database fails; the transaction must roll back
   */
  public boolean cancel(TransactionContext tx, String message) {
    Objects.requireNonNull(message, "message");
    Connection connection = JdbcTransactions.connection(tx, database);
    try {
      return rows.cancel(connection, message);
    } catch (SQLException e) {
      throw failed(tx, "cancel", e);
    }
  }

  /** Fails the transaction. On some databases, its other changes could still be committed. */
  private static StoreException failed(
      TransactionContext tx, String operation, SQLException failure) {
    StoreException translated =
        MISSING_TABLE.contains(String.valueOf(failure.getSQLState()))
            ? new StoreException(
                "COMMS-JDBC-010",
                // An operator can solve it, so a handler that publishes must not lose its message.
                FailureKind.TRANSIENT,
                "outbox tables: missing (expected: version "
                    + OutboxSchema.scripts().latest()
                    + "; run OutboxSchema.scripts().apply, or the SQL of print, before this process)",
                SqlErrors.withoutValues(failure))
            : SqlErrors.translate("outbox " + operation, failure);
    tx.fail(translated);
    return translated;
  }

  @Override
  public void wake() {
    wakeRelays();
    notifiers.forEach(WakeSignal::raise);
  }

  /** Wakes only the relays of this process. */
  void wakeRelays() {
    relays.forEach(WakeSignal::raise);
  }

  boolean hasRelays() {
    return !relays.isEmpty();
  }

  /** Adds a signal that is raised after each commit through this outbox. */
  void addNotifier(WakeSignal notifier) {
    notifiers.add(notifier);
  }

  void removeNotifier(WakeSignal notifier) {
    notifiers.remove(notifier);
  }

  @Override
  public DatabaseId database() {
    return database.id();
  }

  JdbcDatabase jdbc() {
    return database;
  }

  OutboxConfig config() {
    return config;
  }

  /** Adds a relay of this process, woken after each commit through this outbox. */
  void addRelay(WakeSignal relay) {
    relays.add(relay);
  }

  void removeRelay(WakeSignal relay) {
    relays.remove(relay);
  }
}
