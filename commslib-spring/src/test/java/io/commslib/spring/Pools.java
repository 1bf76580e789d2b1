package io.commslib.spring;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.MariaDbServer;
import io.commslib.testkit.servers.PostgresServer;
import java.nio.file.Path;

/** Pools of connections to the databases under test. */
final class Pools {

  private Pools() {}

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

  private static HikariDataSource pool(String url, String user, String password) {
    HikariDataSource pool = new HikariDataSource();
    pool.setJdbcUrl(url);
    pool.setUsername(user);
    pool.setPassword(password);
    pool.setMaximumPoolSize(12);
    return pool;
  }
}
