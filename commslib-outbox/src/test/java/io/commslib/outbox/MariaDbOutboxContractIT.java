package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

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
  protected DataSource dataSource() {
    return pool;
  }

  @Override
  protected HikariDataSource ownPool() {
    return TestDatabases.mariadb();
  }
}
