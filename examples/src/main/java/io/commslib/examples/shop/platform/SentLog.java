package io.commslib.examples.shop.platform;

import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;

/**
 * Numbers and logs what a service sends, so that the check can find what is lost or in the wrong
 * order. Numbers grow per key. The row of a key's number is locked until commit, so numbers are in
 * commit order, and writers of one key wait for each other, as the outbox's order requires.
 */
final class SentLog {

  private final ShopSql sql;

  SentLog(JdbcDatabase database) {
    this.sql = new ShopSql(database);
    sql.create(
        """
        CREATE TABLE IF NOT EXISTS @key_sequence (msg_key varchar(256) NOT NULL PRIMARY KEY, last_seq bigint NOT NULL);
        CREATE TABLE IF NOT EXISTS @outgoing_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          message_id varchar(128) NOT NULL, destination varchar(200) NOT NULL, msg_key varchar(256) NOT NULL,
          seq bigint NOT NULL)
        """);
  }

  /** Logs what is sent in a transaction, and returns its number. */
  long add(TransactionContext tx, String id, String destination, String key) {
    long seq = next(tx, key);
    sql.update(
        tx,
        "INSERT INTO @outgoing_log (message_id, destination, msg_key, seq) VALUES (?, ?, ?, ?)",
        id,
        destination,
        key,
        seq);
    return seq;
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
}
