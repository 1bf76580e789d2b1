package io.commslib.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.TestDatabases;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class H2MissingTablesTest extends MissingTablesContract {

  @TempDir Path folder;

  @Override
  HikariDataSource open() {
    return TestDatabases.h2(folder);
  }
}
