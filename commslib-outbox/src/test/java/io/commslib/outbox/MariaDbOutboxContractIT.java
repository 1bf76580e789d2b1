package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.ORDERS;
import static io.commslib.outbox.OutboxFixture.quick;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.messaging.Message;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.Await;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class MariaDbOutboxContractIT extends OutboxStoreContract {

  private static HikariDataSource pool;

  @BeforeAll
  static void open() {
    pool = TestDatabases.mariadb();
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  public DataSource dataSource() {
    return pool;
  }

  @Override
  public HikariDataSource ownPool() {
    return TestDatabases.mariadb();
  }

  @Test
  void refusesMessagesThatNoStatementCouldHold() {
    int packet = number("SELECT @@max_allowed_packet");
    int most = (packet - (1 << 18)) / 2;
    OutboxConfig tooLarge = OutboxConfig.builder().maxMessageBytes(most + 1).build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JdbcOutbox.create(database(), tooLarge))
        .withMessage(
            "maxMessageBytes: %d (expected: 0..%d, as the database's max_allowed_packet allows)",
            most + 1, most);
  }

  @Test
  void acceptsTheLargestMessageThatAStatementCanHold() {
    byte[] body = new byte[(number("SELECT @@max_allowed_packet") - (1 << 18)) / 2];
    configure(quick().maxMessageBytes(body.length));
    startRelay();
    transactions()
        .run(
            tx -> {
              outbox().publish(tx, ORDERS, Message.builder("test").id("large").body(body).build());
              return null;
            });
    Await.until("published", () -> transport().confirmed().contains("large"));
  }
}
