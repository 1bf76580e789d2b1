package io.commslib.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class H2SchemaScriptsTest extends SchemaScriptsContract {

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
}
