package io.commslib.outbox;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DefaultSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Writes messages into the caller's transaction: one row for each message. Thread-safe. */
final class RowWriter {

  private final SqlDialect dialect;
  private final int shards;
  private final DatabaseRows rows;
  private final DefaultSource source;
  private final CloudEventsEnvelope envelope;
  private final AtomicInteger nextShard = new AtomicInteger();
  private final String insert;
  private final String insertDelayed;
  private final String findDelayed;
  private final SqlStatement deleteDelayed;

  RowWriter(JdbcDatabase database, OutboxConfig config) {
    this.dialect = database.dialect();
    this.shards = config.shards();
    this.rows = DatabaseRows.of(database);
    this.source = new DefaultSource("outbox", config.source());
    this.envelope = new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX, null, source);
    OutboxSql sql = new OutboxSql(database);
    this.insert =
        sql.text(
            """
            INSERT INTO @message (shard, destination, msg_key, payload, headers)
            VALUES (?, ?, ?, ?, ?)
            """);
    this.insertDelayed =
        sql.text(
            """
            INSERT INTO @delayed (shard, destination, msg_key, payload, headers, due_at, message_id)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """);
    this.findDelayed = sql.text("SELECT id FROM @delayed WHERE message_id = ?");
    this.deleteDelayed = sql.statement("DELETE FROM @delayed WHERE id = ?");
  }

  /** Writes messages in their order. Those with a delivery time go to the delayed ones. */
  void write(Connection connection, Destination to, List<Message> messages) throws SQLException {
    List<Message> now = messages.stream().filter(message -> message.deliverAt().isEmpty()).toList();
    List<Message> later =
        messages.stream().filter(message -> message.deliverAt().isPresent()).toList();
    if (now.size() > 1) {
      rows.insert(connection, to, now.stream().map(this::newRow).toList());
    } else if (now.size() == 1) {
      insertOne(connection, to, now.get(0));
    }
    if (!later.isEmpty()) {
      insertDelayed(connection, to, later);
    }
  }

  private DatabaseRows.NewRow newRow(Message message) {
    return new DatabaseRows.NewRow(
        shard(message),
        message.key().orElse(null),
        message.sharedBody(),
        OutboxRow.headerText(message, envelope));
  }

  private void insertOne(Connection connection, Destination to, Message message)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      bind(statement, to, message);
      statement.executeUpdate();
    }
  }

  private void insertDelayed(Connection connection, Destination to, List<Message> messages)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(insertDelayed)) {
      for (Message message : messages) {
        // The row moves to the message table when it is due, so transports see no delivery time.
        bind(statement, to, message.toBuilder().withoutDeliverAt().build());
        dialect.setInstant(statement, 6, message.deliverAt().orElseThrow());
        statement.setString(7, source.identity(message));
        if (messages.size() == 1) {
          statement.executeUpdate();
          return;
        }
        statement.addBatch();
      }
      statement.executeBatch();
    }
  }

  private void bind(PreparedStatement statement, Destination to, Message message)
      throws SQLException {
    statement.setInt(1, shard(message));
    statement.setString(2, to.toString());
    statement.setString(3, message.key().orElse(null));
    statement.setBytes(4, message.sharedBody());
    statement.setString(5, OutboxRow.headerText(message, envelope));
  }

  /** Messages without a key have no order to keep. They are distributed in turn. */
  private int shard(Message message) {
    return message
        .key()
        .map(key -> OutboxRow.shardOf(key, shards))
        .orElseGet(() -> Math.floorMod(nextShard.getAndIncrement(), shards));
  }

  /**
   * Deletes a delayed message.
   *
   * @param message its id, or its identity if it has a source of its own
   * @return false if there is no such delayed message
   */
  boolean cancel(Connection connection, String message) throws SQLException {
    List<Long> ids = new ArrayList<>();
    // A plain read first: some databases lock the gap at an id that a DELETE does not find.
    try (PreparedStatement select = connection.prepareStatement(findDelayed)) {
      select.setString(1, source.identityOf(message));
      try (ResultSet found = select.executeQuery()) {
        while (found.next()) {
          ids.add(found.getLong(1));
        }
      }
    }
    int removed = 0;
    for (long id : ids) {
      removed += deleteDelayed.update(connection, id);
    }
    return removed > 0;
  }
}
