package io.commslib.testkit.servers;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A PostgreSQL server with durable settings: {@code fsync} and {@code synchronous_commit} are on.
 *
 * <p>{@link #kill} ends the server and its backends at once, as a loss of power to the machine
 * would, save that what the operating system holds in memory survives.
 */
public final class PostgresServer extends ControlledServer {

  private static final Once<PostgresServer> SHARED = new Once<>(PostgresServer::createShared);

  static final String USER = "postgres";

  private static final String URL_VARIABLE = "COMMSLIB_TEST_PG_URL";
  private static final Pattern DATABASE_NAME = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
  private static final Pattern URL_DATABASE =
      Pattern.compile("^(jdbc:postgresql://[^/?]+/)([^?]*)(.*)$");

  private final String jdbcUrl;
  private final String user;
  private final String password;

  private PostgresServer(ServerControl control, String jdbcUrl, String user, String password) {
    super(control);
    this.jdbcUrl = jdbcUrl;
    this.user = user;
    this.password = password;
  }

  /**
   * Starts a server with an empty database and blocks until it serves clients.
   *
   * @return the server; the caller closes it
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static PostgresServer start() {
    return start(Map.of());
  }

  /**
   * Starts a server with settings of the caller's, such as {@code wal_level}.
   *
   * @param settings names and values as in {@code postgresql.conf}; they win over the launcher's
   * @return the server; the caller closes it
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static PostgresServer start(Map<String, String> settings) {
    Map<String, String> copy = Map.copyOf(settings);
    int port = FreePorts.next();
    return at(PostgresLauncher.start(port, copy), port);
  }

  /**
   * Returns the server that all functional tests of this JVM share; the first call starts it.
   *
   * @return the server named by {@code COMMSLIB_TEST_PG_URL}, else one that ends with the JVM
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static PostgresServer shared() {
    return SHARED.get();
  }

  /**
   * Returns the address of the database {@code postgres}, or of the one the environment named.
   *
   * @return a JDBC URL, without credentials for a server that this class started
   */
  public String jdbcUrl() {
    return jdbcUrl;
  }

  /**
   * Returns the address of another database of this server.
   *
   * @param database its name
   * @return a JDBC URL
   */
  public String jdbcUrl(String database) {
    Objects.requireNonNull(database, "database");
    return URL_DATABASE.matcher(jdbcUrl).replaceFirst("$1" + database + "$3");
  }

  /**
   * Returns the name to connect with; it may create databases.
   *
   * @return the user
   */
  public String user() {
    return user;
  }

  /**
   * Returns the password to connect with; a server that this class started accepts any.
   *
   * @return the password, maybe empty
   */
  public String password() {
    return password;
  }

  /**
   * Creates an empty database. Blocks the caller.
   *
   * @param database a name of lower-case letters, digits and underscores that isn't in use
   * @return the new database's JDBC URL
   * @throws IllegalArgumentException if the name has another form
   * @throws ServerUnavailableException if the server refuses or isn't running
   */
  public String createDatabase(String database) {
    if (!DATABASE_NAME.matcher(database).matches()) {
      throw new IllegalArgumentException(
          "database: " + database + " (expected: " + DATABASE_NAME.pattern() + ")");
    }
    try (Connection connection = DriverManager.getConnection(jdbcUrl, user, password);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + database);
    } catch (SQLException e) {
      throw new ServerUnavailableException("cannot create database " + database, e);
    }
    return jdbcUrl(database);
  }

  private static PostgresServer at(ServerControl control, int port) {
    return new PostgresServer(control, PostgresLauncher.jdbcUrl(port), USER, USER);
  }

  private static PostgresServer createShared() {
    String url = System.getenv(URL_VARIABLE);
    if (url != null && !url.isBlank()) {
      Map<String, String> environment = System.getenv();
      return new PostgresServer(
          HandsOffControl.remote(URL_VARIABLE),
          url,
          environment.getOrDefault("COMMSLIB_TEST_PG_USER", USER),
          environment.getOrDefault("COMMSLIB_TEST_PG_PASSWORD", ""));
    }
    int port = FreePorts.next();
    return at(HandsOffControl.shared(PostgresLauncher.start(port, Map.of())), port);
  }
}
