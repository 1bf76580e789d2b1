package io.commslib.outbox;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.MariaDbServer;
import io.commslib.testkit.servers.PostgresServer;
import java.nio.file.Path;

/** Pools of connections to the databases under test. */
final class TestDatabases {

  private TestDatabases() {}

  static HikariDataSource h2(Path folder) {
    return pool("jdbc:h2:file:" + folder.resolve("test") + ";WRITE_DELAY=0", "sa", "");
  }

  static HikariDataSource postgres() {
    PostgresServer server = PostgresServer.shared();
    return pool(server.jdbcUrl(), server.user(), server.password());
  }

  static HikariDataSource mariadb() {
    MariaDbServer server = MariaDbServer.shared();
    return pool(server.jdbcUrl(), server.user(), server.password());
  }

  static HikariDataSource pool(String url, String user, String password) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(24);
    config.setConnectionTimeout(1_000);
    config.setInitializationFailTimeout(10_000);
    return new HikariDataSource(config);
  }
}
