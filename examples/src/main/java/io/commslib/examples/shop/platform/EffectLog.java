package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.jdbc.JdbcDatabase;

/**
 * Logs every effect in its own transaction. The table has no unique key, so that a second effect is
 * visible as a second row.
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

  /** Wraps a handler so that it logs each message it handles. */
  public MessageHandler logged(MessageHandler handler) {
    return handler.wrappedIn(
        delivery -> {
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
        });
  }
}
