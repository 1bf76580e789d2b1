package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.TestDatabases;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** A fixture on H2, for tests that do not depend on the database. */
abstract class H2Fixture extends OutboxFixture {

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
  protected DataSource dataSource() {
    return pool;
  }

  @Override
  protected HikariDataSource ownPool() {
    return TestDatabases.h2(folder);
  }
}
