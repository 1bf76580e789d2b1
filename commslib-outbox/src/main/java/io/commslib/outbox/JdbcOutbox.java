package io.commslib.outbox;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
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
 * The outbox in a table of the service's own database. Its tables are those of {@link
 * OutboxSchema}. Thread-safe; holds no connection.
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
   * Checks the tables and creates an outbox. The first one on the tables stores its number of
   * shards there, every other one compares. Blocks for a transaction of its own, also where the
   * caller's thread is in one; create an outbox once for a process, before its first transaction.
   *
   * @param database where its tables lie
   * @param config settings
   * @return new outbox
   * @throws IllegalArgumentException if the largest message could not be written, since the
   *     database takes no statement that long
   * @throws StoreException {@code COMMS-OUTBOX-001} if the tables were made with another number of
   *     shards, {@code COMMS-JDBC-010} if they are missing, {@code COMMS-JDBC-011} or {@code
   *     COMMS-JDBC-012} if their version does not fit; {@code TRANSIENT} if the database can't be
   *     reached
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
      rows.write(connection, to, messages);
    } catch (SQLException e) {
      throw failed(tx, "insert", e);
    }
    tx.afterCommit(this::wake);
  }

  /**
   * Makes this transaction the only one that writes messages of a key, until it ends; call it
   * before the first message of the key is written. For writers that don't serialise themselves by
   * a row they change: with it their messages leave in commit order. Only writers that call it are
   * held up. Blocks while another transaction has the key; take several keys in one order, else two
   * transactions may wait for each other and the database ends one.
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
   * Writes a message that is published at a time, by the database's clock and up to a poll interval
   * late. It takes its place in the order of its key at that time: behind all that was written
   * before it is due.
   *
   * @param tx the running transaction, on this outbox's database
   * @param to where it goes
   * @param message what to publish
   * @param at when
   * @throws IllegalArgumentException as {@link #publish}; nothing was written
   * @throws IllegalStateException as {@link #publish}; nothing was written
   * @throws StoreException if the database fails; the transaction must roll back
   */
  public void publishLater(TransactionContext tx, Destination to, Message message, Instant at) {
    publish(tx, to, message.toBuilder().deliverAt(at).build());
  }

  /**
   * Cancels a delayed message in the caller's transaction. If it comes in time and the transaction
   * commits, the message is never published; if it rolls back, the message is published when due.
   * Blocks while the message is just being handed to the relay. On MySQL and MariaDB a transaction
   * with isolation REPEATABLE READ cancels only what was written before it began to read.
   *
   * @param tx the running transaction, on this outbox's database
   * @param message the message's id, if its source is the outbox's own or it was built without one;
   *     else its {@link Message#identity()}
   * @return whether it came in time; false if there is no such delayed message (any more)
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

  /** On some databases the rest of the transaction could still be committed, without this. */
  private static StoreException failed(TransactionContext tx, String doing, SQLException failure) {
    StoreException translated =
        MISSING_TABLE.contains(String.valueOf(failure.getSQLState()))
            ? new StoreException(
                "COMMS-JDBC-010",
                // An operator's matter: a handler that publishes must not lose its message for it.
                FailureKind.TRANSIENT,
                "outbox tables: missing (expected: version "
                    + OutboxSchema.scripts().latest()
                    + "; run OutboxSchema.scripts().apply, or the SQL of print, before this process)",
                SqlErrors.withoutValues(failure))
            : SqlErrors.translate("outbox " + doing, failure);
    tx.fail(translated);
    return translated;
  }

  @Override
  public void wake() {
    wakeRelays();
    notifiers.forEach(WakeSignal::raise);
  }

  /** Wakes those of this process only. */
  void wakeRelays() {
    relays.forEach(WakeSignal::raise);
  }

  boolean hasRelays() {
    return !relays.isEmpty();
  }

  /** From now on a commit through this outbox raises the signal of a notifier. */
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

  /** From now on a commit through this outbox raises the signal of a relay. */
  void addRelay(WakeSignal relay) {
    relays.add(relay);
  }

  void removeRelay(WakeSignal relay) {
    relays.remove(relay);
  }
}
