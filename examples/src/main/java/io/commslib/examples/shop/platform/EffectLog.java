package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.jdbc.JdbcDatabase;

/**
 * Writes down every effect in the effect's own transaction, without a unique key: a second effect
 * shows as a second row.
 */
public final class EffectLog {

  private final ShopSql sql;

  public EffectLog(JdbcDatabase database) {
    this.sql = new ShopSql(database);
    sql.create(
        """
        CREATE TABLE IF NOT EXISTS @effect_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          message_id varchar(128) NOT NULL, msg_key varchar(256) NOT NULL, producer varchar(50) NOT NULL,
          seq bigint NOT NULL, redriven int NOT NULL)
        """);
  }

  /** The handler, with a line in the log for each message it handles. */
  public MessageHandler logged(MessageHandler handler) {
    return delivery -> {
      Settlement settlement = handler.handle(delivery);
      if (settlement.kind() == Settlement.Kind.DONE) {
        Message message = delivery.message();
        sql.update(
            delivery.transaction(),
            "INSERT INTO @effect_log (message_id, msg_key, producer, seq, redriven) VALUES (?, ?, ?, ?, ?)",
            message.id(),
            message.key().orElse(""),
            message.headers().getOrDefault(CountedOutbox.PRODUCER, ""),
            Long.parseLong(message.headers().getOrDefault(CountedOutbox.SEQUENCE, "0")),
            delivery.redriveCount());
      }
      return settlement;
    };
  }
}
