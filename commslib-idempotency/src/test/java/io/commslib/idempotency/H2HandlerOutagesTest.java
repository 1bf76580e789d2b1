package io.commslib.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.TestDatabases;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.io.TempDir;

class H2HandlerOutagesTest extends HandlerOutagesContract {

  @TempDir Path folder;

  private String url() {
    return "jdbc:h2:file:" + folder.resolve("test");
  }

  @Override
  HikariDataSource open() {
    return TestDatabases.pool(url() + ";WRITE_DELAY=0", "sa", "", 2, 250);
  }

  @Override
  Connection nowhere() throws SQLException {
    return DriverManager.getConnection("jdbc:h2:tcp://127.0.0.1:1/none", "sa", "");
  }

  @Override
  Connection stranger() throws SQLException {
    return DriverManager.getConnection(url(), "stranger", "");
  }

  @Override
  String renamed(String table) {
    return database.table(table);
  }
}
