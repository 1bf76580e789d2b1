package io.commslib.outbox;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DefaultSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The outbox in a table of the service's own database. Its tables are those of {@link
 * OutboxSchema}. Thread-safe; holds no connection.
 */
public final class JdbcOutbox implements Outbox {

  private static final int MAX_ROWS = 1_000;

  /** SQL states: of PostgreSQL, of MySQL and MariaDB, of H2 for tables and schemas. */
  private static final Set<String> MISSING_TABLE = Set.of("42P01", "42S02", "42S04", "90079");

  /** Servers refuse statements that are longer, MariaDB by default those over 16 MiB. */
  private static final long MAX_STATEMENT_BYTES = 4L << 20;

  /** Drivers may put a parameter into the statement's text; then a byte may take two. */
  private static final long ESCAPED = 2;

  /** More than the headers, key and destination of a message take. */
  private static final long BESIDE_BODY = 1L << 18;

  private final JdbcDatabase database;
  private final OutboxConfig config;
  private final Set<WakeSignal> relays = new CopyOnWriteArraySet<>();
  private final Set<WakeSignal> notifiers = new CopyOnWriteArraySet<>();
  private final AtomicInteger nextShard = new AtomicInteger();
  private final String insert;
  private final String insertAtOnce;
  private final String insertDelayed;
  private final KeyLocks keyLocks;
  private final DefaultSource source;
  private final CloudEventsEnvelope envelope;

  private JdbcOutbox(JdbcDatabase database, OutboxConfig config) {
    this.database = database;
    this.config = config;
    String columns = "shard, destination, msg_key, payload, headers) VALUES (?, ?, ?, ?, ?";
    this.insert = "INSERT INTO " + database.table("outbox_message") + " (" + columns + ")";
    this.insertAtOnce =
        "INSERT INTO "
            + database.table("outbox_message")
            + " (shard, destination, msg_key, payload, headers)"
            + " SELECT shard, ?, msg_key, payload, headers"
            + " FROM unnest(?::int[], ?::text[], ?::bytea[], ?::text[]) WITH ORDINALITY"
            + " AS m(shard, msg_key, payload, headers, place) ORDER BY place";
    this.insertDelayed =
        "INSERT INTO "
            + database.table("outbox_delayed")
            + " ("
            + columns.replace(") VALUES (", ", due_at, message_id) VALUES (")
            + ", ?, ?)";
    this.keyLocks = new KeyLocks(database);
    this.source = new DefaultSource("outbox", config.source());
    this.envelope = new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX, null, source);
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
    long most = (database.maxStatementBytes() - BESIDE_BODY) / ESCAPED;
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
    List<Message> now = messages.stream().filter(message -> message.deliverAt().isEmpty()).toList();
    List<Message> later =
        messages.stream().filter(message -> message.deliverAt().isPresent()).toList();
    try {
      if (now.size() > 1 && database.dialect() == SqlDialect.POSTGRESQL) {
        writeAtOnce(connection, to, now);
      } else if (now.size() > 1) {
        writeInRows(connection, to, now);
      } else {
        write(connection, insert, to, now);
      }
      write(connection, insertDelayed, to, later);
    } catch (SQLException e) {
      throw failed(tx, "insert", e);
    }
    tx.afterCommit(this::wake);
  }

  /** One statement and one plan for any number; ids ascend in the order given. */
  private void writeAtOnce(Connection connection, Destination to, List<Message> messages)
      throws SQLException {
    int count = messages.size();
    Integer[] shards = new Integer[count];
    String[] keys = new String[count];
    byte[][] payloads = new byte[count][];
    String[] headers = new String[count];
    for (int i = 0; i < count; i++) {
      Message message = messages.get(i);
      shards[i] = shard(message);
      keys[i] = message.key().orElse(null);
      payloads[i] = message.sharedBody();
      headers[i] = OutboxRow.headerText(message, envelope);
    }
    try (PreparedStatement statement = connection.prepareStatement(insertAtOnce)) {
      statement.setString(1, to.toString());
      statement.setArray(2, connection.createArrayOf("int4", shards));
      statement.setArray(3, connection.createArrayOf("text", keys));
      statement.setArray(4, connection.createArrayOf("bytea", payloads));
      statement.setArray(5, connection.createArrayOf("text", headers));
      statement.executeUpdate();
    }
  }

  /** One statement for as many as fit; ids ascend in the order given. */
  private void writeInRows(Connection connection, Destination to, List<Message> messages)
      throws SQLException {
    int from = 0;
    while (from < messages.size()) {
      List<Message> some = messages.subList(from, from + fitting(messages, from));
      from += some.size();
      String sql = insert + ", (?, ?, ?, ?, ?)".repeat(some.size() - 1);
      try (PreparedStatement statement = connection.prepareStatement(sql)) {
        int index = 1;
        for (Message message : some) {
          statement.setInt(index++, shard(message));
          statement.setString(index++, to.toString());
          statement.setString(index++, message.key().orElse(null));
          statement.setBytes(index++, message.sharedBody());
          statement.setString(index++, OutboxRow.headerText(message, envelope));
        }
        statement.executeUpdate();
      }
    }
  }

  private int fitting(List<Message> messages, int from) {
    long bytes = 0;
    int count = 0;
    while (count < MAX_ROWS && from + count < messages.size()) {
      Message message = messages.get(from + count);
      bytes +=
          ESCAPED
              * (message.sharedBody().length + OutboxRow.headerText(message, envelope).length());
      if (count > 0 && bytes > MAX_STATEMENT_BYTES) {
        break;
      }
      count++;
    }
    return count;
  }

  private void write(Connection connection, String sql, Destination to, List<Message> messages)
      throws SQLException {
    if (messages.isEmpty()) {
      return;
    }
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (Message message : messages) {
        statement.setInt(1, shard(message));
        statement.setString(2, to.toString());
        statement.setString(3, message.key().orElse(null));
        statement.setBytes(4, message.sharedBody());
        if (message.deliverAt().isPresent()) {
          // The wait is over when the row moves to the message table; transports need not know of
          // it.
          statement.setString(
              5, OutboxRow.headerText(message.toBuilder().withoutDeliverAt().build(), envelope));
          database.dialect().setInstant(statement, 6, message.deliverAt().get());
          statement.setString(7, source.identity(message));
        } else {
          statement.setString(5, OutboxRow.headerText(message, envelope));
        }
        if (messages.size() == 1) {
          statement.executeUpdate();
          return;
        }
        statement.addBatch();
      }
      statement.executeBatch();
    }
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
      keyLocks.take(connection, key);
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
      return RowTables.cancel(connection, database, source.identityOf(message));
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

  private int shard(Message message) {
    // Without key there is no order to keep: any shard will do, so they take turns.
    return message
        .key()
        .map(key -> OutboxRow.shardOf(key, config.shards()))
        .orElseGet(() -> Math.floorMod(nextShard.getAndIncrement(), config.shards()));
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
  void tell(WakeSignal notifier) {
    notifiers.add(notifier);
  }

  void untell(WakeSignal notifier) {
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
  void listen(WakeSignal relay) {
    relays.add(relay);
  }

  void unlisten(WakeSignal relay) {
    relays.remove(relay);
  }
}
