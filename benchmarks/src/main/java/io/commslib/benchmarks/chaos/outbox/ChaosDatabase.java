package io.commslib.benchmarks.chaos.outbox;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.PostgresServer;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;

/** A database server of the harness's own, which it may kill. */
interface ChaosDatabase extends AutoCloseable {

  /** Which databases there are. */
  enum Kind {
    POSTGRESQL,
    H2;

    /** Starts a server. */
    ChaosDatabase start(Map<String, String> settings) throws IOException {
      return this == POSTGRESQL ? new Postgres(PostgresServer.start(settings)) : H2Process.start();
    }

    String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  Kind kind();

  String url();

  String user();

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
   * PostgreSQL with durable settings.
   *
   * @param server the server
   */
  record Postgres(PostgresServer server) implements ChaosDatabase {

    @Override
    public Kind kind() {
      return Kind.POSTGRESQL;
    }

    @Override
    public String url() {
      return server.jdbcUrl();
    }

    @Override
    public String user() {
      return server.user();
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
