package io.commslib.idempotency;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;

/** Pools of connections to the databases under test. */
final class TestDatabases {

  private TestDatabases() {}

  static HikariDataSource h2(Path folder) {
    return pool("jdbc:h2:file:" + folder.resolve("test") + ";WRITE_DELAY=0", "sa", "");
  }

  static HikariDataSource pool(String url, String user, String password) {
    return pool(url, user, password, 24, 1_000);
  }

  /** A pool of so many connections, whose callers wait so long for one. */
  static HikariDataSource pool(
      String url, String user, String password, int connections, long waitMillis) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(connections);
    config.setConnectionTimeout(waitMillis);
    config.setInitializationFailTimeout(10_000);
    return new HikariDataSource(config);
  }
}
