package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PostgresOutboxContractIT extends OutboxStoreContract {

  private static HikariDataSource pool;

  @BeforeAll
  static void open() {
    pool = TestDatabases.postgres();
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }

  @Override
  protected HikariDataSource ownPool() {
    return TestDatabases.postgres();
  }

  @Test
  void noticesThatIdsWereSetBackUnderIt() {
    writeInTurn(20, 5);
    startRelay();
    Await.until("all published", () -> rows("outbox_message") == 0);
    execute("TRUNCATE " + database.table("outbox_message") + " RESTART IDENTITY");
    write("again", "k0");
    Await.until("published", () -> transport.confirmed().contains("again"));
  }
}
