package io.commslib.benchmarks.chaos;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.MariaDbServer;
import io.commslib.testkit.servers.PostgresServer;
import io.commslib.testkit.servers.TestServer;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** A database server of the harness's own, which it may kill. */
public interface ChaosDatabase extends AutoCloseable {

  /** Which databases there are. */
  enum Kind {
    /** The one that rows run on if nothing else is said. */
    POSTGRESQL,
    /** MariaDB. */
    MARIADB,
    /** H2 in a process of its own. */
    H2;

    /** Starts a server. */
    public ChaosDatabase start(Map<String, String> settings) throws IOException {
      return switch (this) {
        case POSTGRESQL -> Server.of(PostgresServer.start(settings));
        case MARIADB -> Server.of(MariaDbServer.start(settings));
        case H2 -> H2Process.start();
      };
    }

    /** Returns the one of this name, the first for none. */
    public static Kind of(String name) {
      return Arrays.stream(values())
          .filter(kind -> name.isEmpty() || kind.text().equals(name))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "--database: "
                          + name
                          + " (expected: "
                          + Arrays.toString(values()).toLowerCase(Locale.ROOT)
                          + ")"));
    }

    /** Returns its name. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Returns which it is. */
  Kind kind();

  /** Returns where it is. */
  String url();

  /** Returns who to connect as; the password is the same. */
  String user();

  /** Returns the processes of the server. */
  Set<Long> pids();

  /** Returns whether the server runs: it may have ended itself. */
  boolean isRunning();

  /** Ends the server with SIGKILL. */
  void kill();

  /** Starts it again on what the kill left; blocks until it serves. */
  void restart();

  @Override
  void close();

  /** Opens a pool; the caller closes it. */
  default HikariDataSource pool(int size) {
    return pool(url(), user(), size);
  }

  /** Opens a pool; the caller closes it. */
  static HikariDataSource pool(String url, String user, int size) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(user);
    config.setMaximumPoolSize(size);
    config.setMinimumIdle(0);
    config.setConnectionTimeout(5_000);
    config.setValidationTimeout(2_000);
    config.setInitializationFailTimeout(-1);
    return new HikariDataSource(config);
  }

  /**
   * A real server with durable settings.
   *
   * @param kind which
   * @param url where
   * @param user who
   * @param server the server
   */
  record Server(Kind kind, String url, String user, TestServer server) implements ChaosDatabase {

    private static final String USER = "chaos";

    static Server of(PostgresServer server) {
      return new Server(Kind.POSTGRESQL, server.jdbcUrl(), server.user(), server);
    }

    static Server of(MariaDbServer server) {
      try (Connection connection =
              DriverManager.getConnection(server.jdbcUrl(), server.user(), server.password());
          Statement statement = connection.createStatement()) {
        statement.execute("CREATE USER " + USER + "@localhost IDENTIFIED BY '" + USER + "'");
        statement.execute("GRANT ALL ON *.* TO " + USER + "@localhost");
      } catch (SQLException e) {
        server.close();
        throw new IllegalStateException("cannot create a user", e);
      }
      return new Server(Kind.MARIADB, server.jdbcUrl(), USER, server);
    }

    @Override
    public Set<Long> pids() {
      return server.pids();
    }

    @Override
    public boolean isRunning() {
      return server.isRunning();
    }

    @Override
    public void kill() {
      server.kill();
    }

    @Override
    public void restart() {
      server.restart();
    }

    @Override
    public void close() {
      server.close();
    }
  }
}
