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

/** A database server that belongs to the chaos run, which may kill it. */
public interface ChaosDatabase extends AutoCloseable {

  /** The supported databases. */
  enum Kind {
    /** The default database of a row. */
    POSTGRESQL,
    /** MariaDB. */
    MARIADB,
    /** H2 in a separate process. */
    H2;

    /** Starts a server. */
    public ChaosDatabase start(Map<String, String> settings) throws IOException {
      return switch (this) {
        case POSTGRESQL -> Server.of(PostgresServer.start(settings));
        case MARIADB -> Server.of(MariaDbServer.start(settings));
        case H2 -> H2Process.start();
      };
    }

    /** Returns the kind with this name, or PostgreSQL for an empty name. */
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

    /** {@return the name on the command line} */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** {@return the kind of database} */
  Kind kind();

  /** {@return the JDBC URL} */
  String url();

  /** {@return the user, which is also the password} */
  String user();

  /** {@return the process ids of the server} */
  Set<Long> pids();

  /** {@return whether the server runs; a server can also end by itself} */
  boolean isRunning();

  /** Ends the server with SIGKILL. */
  void kill();

  /** Restarts the server on its existing data; blocks until it accepts connections. */
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
   * @param kind the kind of database
   * @param url the JDBC URL
   * @param user the user, which is also the password
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
