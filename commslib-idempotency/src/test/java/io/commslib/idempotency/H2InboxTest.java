package io.commslib.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.TestDatabases;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class H2InboxTest extends JdbcInboxContract {

  @TempDir static Path folder;

  @Override
  protected HikariDataSource newPool() {
    return TestDatabases.h2(folder);
  }
}
