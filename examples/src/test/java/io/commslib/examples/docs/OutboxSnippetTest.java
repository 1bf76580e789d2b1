package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxAdmin;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxSchema;
import io.commslib.outbox.ParkedExplanation;
import io.commslib.outbox.ParkedFilter;
import io.commslib.outbox.ParkedMessage;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The code of docs/outbox.md. */
class OutboxSnippetTest {

  private final JdbcConnectionPool pool =
      JdbcConnectionPool.create("jdbc:h2:mem:snippets;DB_CLOSE_DELAY=-1", "sa", "");
  private final JdbcDatabase database = JdbcDatabase.builder(pool).build();

  @BeforeEach
  void createTables() {
    OutboxSchema.scripts().apply(database);
  }

  @AfterEach
  void closePool() {
    pool.dispose();
  }

  @Test
  void writesInOrderAndLaterAndCancels() {
    JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);
    JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
    Destination orders = Destination.topic("orders");
    Message placed = Message.builder("order.placed").key("order-1").body(new byte[0]).build();
    Message reminder = Message.builder("order.remind").key("order-1").body(new byte[0]).build();
    Instant tomorrow = Instant.now().plus(Duration.ofDays(1));
    // snippet: outbox-write
    transactions.run(
        tx -> {
          outbox.ordered(tx, "order-1");
          outbox.publish(tx, orders, placed);
          outbox.publishLater(tx, orders, reminder, tomorrow);
          return null;
        });
    boolean inTime = transactions.run(tx -> outbox.cancel(tx, reminder.id()));
    // end
    assertThat(inTime).isTrue();
  }

  @Test
  void redrivesParkedMessages() throws SQLException {
    String code = "COMMS-KAFKA-003";
    try (Connection connection = pool.getConnection();
        Statement insert = connection.createStatement()) {
      insert.execute(
          "INSERT INTO \"outbox_parked\" (shard, message_row, destination, payload, headers,"
              + " created_at, attempts, error_code, fingerprint, last_error, first_failed_at,"
              + " parked_at) VALUES (0, 1, 'topic:orders', X'00', 'ce_id:m1', CURRENT_TIMESTAMP, 5,"
              + " 'COMMS-KAFKA-003', 'f', 'refused', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)");
    }
    // snippet: outbox-parked
    OutboxAdmin admin = OutboxAdmin.create(database);
    for (ParkedMessage message : admin.parked(ParkedFilter.all().errorCode(code), 0, 100)) {
      ParkedExplanation why = admin.explain(message.id()).orElseThrow();
      if (why.keyBlocked()) {
        admin.redriveAtFront(message.id(), "ann", "the far side is repaired");
      } else {
        admin.redrive(message.id(), "ann", "the far side is repaired");
      }
    }
    // end
    assertThat(admin.parked(10)).isEmpty();
    assertThat(admin.audit(10)).hasSize(1);
  }
}
