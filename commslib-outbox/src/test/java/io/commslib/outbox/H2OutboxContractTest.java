package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.TestDatabases;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class H2OutboxContractTest extends OutboxStoreContract {

  @TempDir static Path folder;
  private static HikariDataSource pool;

  @BeforeAll
  static void open() {
    pool = TestDatabases.h2(folder);
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
    return TestDatabases.h2(folder);
  }
}
