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

/**
 * Pools of connections to the databases under test, and short ways to query them. Shared with the
 * tests of other modules.
 */
public final class TestDatabases {

  private TestDatabases() {}

  /** Opens a pool on a database in a file of a folder. */
  public static HikariDataSource h2(Path folder) {
    return pool("jdbc:h2:file:" + folder.resolve("test") + ";WRITE_DELAY=0", "sa", "");
  }

  /** Opens a pool on a database in a file of a folder, with settings of its own. */
  public static HikariDataSource h2(Path folder, Consumer<HikariConfig> settings) {
    return pool("jdbc:h2:file:" + folder.resolve("test") + ";WRITE_DELAY=0", "sa", "", settings);
  }

  /** Opens a pool on the shared PostgreSQL server. */
  public static HikariDataSource postgres() {
    PostgresServer server = PostgresServer.shared();
    return pool(server.jdbcUrl(), server.user(), server.password());
  }

  /** Opens a pool on the shared MariaDB server. */
  public static HikariDataSource mariadb() {
    MariaDbServer server = MariaDbServer.shared();
    return pool(server.jdbcUrl(), server.user(), server.password());
  }

  /** Opens a pool of 24 connections, whose callers wait 5 s for one. */
  public static HikariDataSource pool(String url, String user, String password) {
    return pool(url, user, password, config -> {});
  }

  /** Opens a pool with settings that differ from the defaults. */
  public static HikariDataSource pool(
      String url, String user, String password, Consumer<HikariConfig> settings) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(24);
    config.setConnectionTimeout(5_000);
    config.setInitializationFailTimeout(10_000);
    settings.accept(config);
    return new HikariDataSource(config);
  }

  /** Opens a pool of a given size, whose callers wait a given time for a connection. */
  public static HikariDataSource pool(
      String url, String user, String password, int connections, long waitMillis) {
    return pool(
        url,
        user,
        password,
        config -> {
          config.setMaximumPoolSize(connections);
          config.setConnectionTimeout(waitMillis);
        });
  }

  /** Runs statements in auto-commit mode. */
  public static void execute(DataSource source, String... statements) {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** Returns the number in the first row of a query. */
  public static int number(DataSource source, String sql) {
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
