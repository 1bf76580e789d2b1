package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.Outbox;
import java.util.List;

/**
 * An outbox that numbers and logs its messages, so that the check can find lost messages and wrong
 * order. Numbers grow per key. The row of a key's number is locked until commit, so numbers are in
 * commit order, and writers of one key wait for each other, as the outbox's order requires.
 */
public final class CountedOutbox implements Outbox {

  /** Header: the service that sent the message. */
  public static final String PRODUCER = "shop-producer";

  /** Header: the number of the message among those of its service and key. */
  public static final String SEQUENCE = "shop-seq";

  private final String service;
  private final Outbox outbox;
  private final ShopSql sql;

  public CountedOutbox(String service, Outbox outbox, JdbcDatabase database) {
    this.service = service;
    this.outbox = outbox;
    this.sql = new ShopSql(database);
    sql.create(
        """
        CREATE TABLE IF NOT EXISTS @key_sequence (msg_key varchar(256) NOT NULL PRIMARY KEY, last_seq bigint NOT NULL);
        CREATE TABLE IF NOT EXISTS @outgoing_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          message_id varchar(128) NOT NULL, destination varchar(200) NOT NULL, msg_key varchar(256) NOT NULL,
          seq bigint NOT NULL)
        """);
  }

  @Override
  public void publish(TransactionContext tx, Destination to, Message message) {
    String key = message.key().orElseThrow();
    long seq = next(tx, key);
    sql.update(
        tx,
        "INSERT INTO @outgoing_log (message_id, destination, msg_key, seq) VALUES (?, ?, ?, ?)",
        message.id(),
        to.toString(),
        key,
        seq);
    outbox.publish(
        tx,
        to,
        message.toBuilder().header(PRODUCER, service).header(SEQUENCE, Long.toString(seq)).build());
  }

  private long next(TransactionContext tx, String key) {
    String increment = "UPDATE @key_sequence SET last_seq = last_seq + 1 WHERE msg_key = ?";
    if (sql.update(tx, increment, key) == 0
        && !sql.insertNew(tx, "INSERT INTO @key_sequence (msg_key, last_seq) VALUES (?, 1)", key)) {
      sql.update(tx, increment, key);
    }
    return sql.number(tx, "SELECT last_seq FROM @key_sequence WHERE msg_key = ?", key)
        .orElseThrow();
  }

  @Override
  public void publishAll(TransactionContext tx, Destination to, List<Message> messages) {
    messages.forEach(message -> publish(tx, to, message));
  }

  @Override
  public void wake() {
    outbox.wake();
  }

  @Override
  public DatabaseId database() {
    return outbox.database();
  }
}
