package io.commslib.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.MariaDbServer;
import io.commslib.testkit.servers.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Consumer;
import javax.sql.DataSource;

/** Pools of connections to the databases under test, and short ways to look into them. */
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
    return pool(url, user, password, config -> {});
  }

  static HikariDataSource pool(
      String url, String user, String password, Consumer<HikariConfig> settings) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(16);
    config.setConnectionTimeout(5_000);
    settings.accept(config);
    return new HikariDataSource(config);
  }

  static void execute(DataSource source, String... statements) {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  static int number(DataSource source, String sql) {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getInt(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
