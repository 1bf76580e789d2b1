package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.idempotency.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The inbox contract on a database. */
public abstract class JdbcInboxContract extends InboxContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private JdbcDatabase database;
  private JdbcInbox inbox;

  /** Returns the database under test; each test uses a schema of its own in it. */
  protected abstract DataSource dataSource();

  @BeforeEach
  void freshSchema() {
    database =
        JdbcDatabase.builder(dataSource()).schema("inbox_" + SCHEMAS.incrementAndGet()).build();
    InboxSchema.scripts().apply(database);
    inbox =
        JdbcInbox.create(
            database, InboxConfig.builder().retention(Duration.ofDays(1)).purgeBatch(10).build());
  }

  @Override
  protected Inbox inbox() {
    return inbox;
  }

  @Override
  protected TransactionRunner transactions() {
    return JdbcTransactionRunner.create(database);
  }

  @Test
  void purgesWhatIsOlderThanItsRetentionInBatches() throws SQLException {
    for (int i = 0; i < 25; i++) {
      Message message = Message.builder("t").id("m-" + i).build();
      transactions().run(tx -> inbox.enter(tx, "c", message));
    }
    try (Connection connection = dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.executeUpdate(
          "UPDATE "
              + database.table("inbox")
              + " SET received_at = TIMESTAMP '2020-01-01 00:00:00'"
              + " WHERE message_id <> 'm-0'");
    }
    assertThat(inbox.purge()).isEqualTo(24);
    Message kept = Message.builder("t").id("m-0").build();
    boolean fresh = transactions().run(tx -> inbox.enter(tx, "c", kept));
    assertThat(fresh).isFalse();
  }
}
