package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.tx.TransactionContext;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.TransactionalRouteHandler;
import io.commslib.jdbc.JdbcDatabase;
import java.util.Optional;

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
            add(
                delivery.transaction(),
                message.id(),
                message.key().orElse(""),
                message.headers().getOrDefault(CountedOutbox.PRODUCER, ""),
                message.headers().getOrDefault(CountedOutbox.SEQUENCE, "0"),
                delivery.redriveCount());
          }
          return settlement;
        });
  }

  /** Wraps a handler so that it logs each request it handles; one sent by hand is not counted. */
  public <T> TransactionalRouteHandler<T> logged(TransactionalRouteHandler<T> handler) {
    return (request, body, tx) -> {
      HttpAnswer answer = handler.handle(request, body, tx);
      Optional<String> sent = request.header(CountedRequests.SENT);
      if (sent.isPresent()) {
        String[] parts = sent.get().split(" ");
        add(tx, parts[0], parts[3], parts[1], parts[2], 0);
      }
      return answer;
    };
  }

  private void add(
      TransactionContext tx, String id, String key, String producer, String seq, int redriven) {
    sql.update(
        tx,
        "INSERT INTO @effect_log (message_id, msg_key, producer, seq, redriven) VALUES (?, ?, ?, ?, ?)",
        id,
        key,
        producer,
        Long.parseLong(seq),
        redriven);
  }
}
