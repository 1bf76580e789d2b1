package io.commslib.outbox;

import io.commslib.core.messaging.Destination;
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
import java.sql.Timestamp;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The outbox in a table of the service's own database. Its tables are those of {@link
 * OutboxSchema}. Thread-safe; holds no connection.
 *
 * @since 0.1
 */
public final class JdbcOutbox implements Outbox {

  private final JdbcDatabase database;
  private final OutboxConfig config;
  private final Set<WakeSignal> relays = new CopyOnWriteArraySet<>();
  private final AtomicInteger nextShard = new AtomicInteger();
  private final String insert;
  private final String insertAtOnce;
  private final String insertDelayed;

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
            + columns.replace(") VALUES (", ", due_at) VALUES (")
            + ", ?)";
  }

  /**
   * Creates an outbox.
   *
   * @param database where its tables lie
   * @param config settings
   * @return new outbox
   */
  public static JdbcOutbox create(JdbcDatabase database, OutboxConfig config) {
    return new JdbcOutbox(
        Objects.requireNonNull(database, "database"), Objects.requireNonNull(config, "config"));
  }

  @Override
  public void publish(TransactionContext tx, Destination to, Message message) {
    publishAll(tx, to, List.of(message));
  }

  @Override
  public void publishAll(TransactionContext tx, Destination to, List<Message> messages) {
    Checks.check(
        tx.database().equals(database.id()),
        "transaction",
        tx.database(),
        "one on " + database.id());
    for (Message message : messages) {
      Checks.inRange("message bytes", message.sharedBody().length, 0, config.maxMessageBytes());
    }
    List<Message> now = messages.stream().filter(message -> message.deliverAt().isEmpty()).toList();
    List<Message> later =
        messages.stream().filter(message -> message.deliverAt().isPresent()).toList();
    Connection connection = tx.unwrap(Connection.class);
    try {
      refuseAutoCommit(connection);
      if (now.size() > 1 && database.dialect() == SqlDialect.POSTGRESQL) {
        writeAtOnce(connection, to, now);
      } else {
        write(connection, insert, to, now);
      }
      write(connection, insertDelayed, to, later);
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox insert", e);
    }
    tx.afterCommit(this::wake);
  }

  /** In auto-commit mode a rollback of the caller's would take nothing back. */
  private static void refuseAutoCommit(Connection connection) throws SQLException {
    if (connection.getAutoCommit()) {
      throw new IllegalStateException(
          "COMMS-OUTBOX-005: autoCommit: true (expected: false, so that the message commits with the"
              + " caller's work)");
    }
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
      headers[i] = OutboxRow.headerText(message);
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
              5, OutboxRow.headerText(message.toBuilder().withoutDeliverAt().build()));
          statement.setTimestamp(6, Timestamp.from(message.deliverAt().get()));
        } else {
          statement.setString(5, OutboxRow.headerText(message));
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

  private int shard(Message message) {
    // Without key there is no order to keep: any shard will do, so they take turns.
    return message
        .key()
        .map(key -> OutboxRow.shardOf(key, config.shards()))
        .orElseGet(() -> Math.floorMod(nextShard.getAndIncrement(), config.shards()));
  }

  @Override
  public void wake() {
    relays.forEach(WakeSignal::raise);
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
