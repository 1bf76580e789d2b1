package io.commslib.testkit.servers;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A MariaDB server with durable settings: each commit is flushed to the disk.
 *
 * <p>The isolation level stays the server's default, REPEATABLE READ. Clients need MariaDB's JDBC
 * driver on their class path; this module doesn't bring it.
 */
public final class MariaDbServer extends ControlledServer {

  private static final Once<MariaDbServer> SHARED = new Once<>(MariaDbServer::createShared);

  static final String USER = "root";

  private static final String URL_VARIABLE = "COMMSLIB_TEST_MARIADB_URL";
  private static final Pattern DATABASE_NAME = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
  private static final Pattern URL_DATABASE =
      Pattern.compile("^(jdbc:mariadb://[^/?]+/)([^?]*)(.*)$");

  private final String jdbcUrl;
  private final String user;
  private final String password;

  private MariaDbServer(ServerControl control, String jdbcUrl, String user, String password) {
    super(control);
    this.jdbcUrl = jdbcUrl;
    this.user = user;
    this.password = password;
  }

  /**
   * Starts a server with an empty data folder and blocks until it serves clients.
   *
   * @return the server; the caller closes it
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static MariaDbServer start() {
    return start(Map.of());
  }

  /**
   * Starts a server with settings of the caller's, such as {@code max_allowed_packet}.
   *
   * @param settings names and values of server options, without dashes; they win over the
   *     launcher's
   * @return the server; the caller closes it
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static MariaDbServer start(Map<String, String> settings) {
    Map<String, String> copy = Map.copyOf(settings);
    int port = FreePorts.next();
    return at(MariaDbLauncher.start(port, copy), port);
  }

  /**
   * Returns the server that all functional tests of this JVM share; the first call starts it.
   *
   * @return the server named by {@code COMMSLIB_TEST_MARIADB_URL}, else one that ends with the JVM
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static MariaDbServer shared() {
    return SHARED.get();
  }

  /**
   * Returns the address of the server's database {@code test}, or the address that the environment
   * named. Without TLS, which the driver would ask for.
   *
   * @return a JDBC URL without credentials
   */
  public String jdbcUrl() {
    return jdbcUrl;
  }

  /**
   * Returns the address of a database of this server.
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
   * Returns the password to connect with.
   *
   * @return the password; empty for a server that this class started
   */
  public String password() {
    return password;
  }

  /**
   * Creates an empty database with the character set utf8mb4. Blocks the caller.
   *
   * @param database a name of lower-case letters, digits and underscores that isn't in use
   * @return the new database's JDBC URL
   * @throws IllegalArgumentException if the name has another form
   * @throws ServerUnavailableException if the server refuses, isn't running, or MariaDB's JDBC
   *     driver isn't on the class path
   */
  public String createDatabase(String database) {
    if (!DATABASE_NAME.matcher(database).matches()) {
      throw new IllegalArgumentException(
          "database: " + database + " (expected: " + DATABASE_NAME.pattern() + ")");
    }
    try (Connection connection = DriverManager.getConnection(jdbcUrl, user, password);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + database + " CHARACTER SET utf8mb4");
    } catch (SQLException e) {
      throw new ServerUnavailableException("cannot create database " + database, e);
    }
    return jdbcUrl(database);
  }

  private static MariaDbServer at(ServerControl control, int port) {
    return new MariaDbServer(
        control, "jdbc:mariadb://127.0.0.1:" + port + "/test?sslMode=disable", USER, "");
  }

  private static MariaDbServer createShared() {
    String url = System.getenv(URL_VARIABLE);
    if (url != null && !url.isBlank()) {
      Map<String, String> environment = System.getenv();
      return new MariaDbServer(
          HandsOffControl.remote(URL_VARIABLE),
          url,
          environment.getOrDefault("COMMSLIB_TEST_MARIADB_USER", USER),
          environment.getOrDefault("COMMSLIB_TEST_MARIADB_PASSWORD", ""));
    }
    int port = FreePorts.next();
    return at(HandsOffControl.shared(MariaDbLauncher.start(port, Map.of())), port);
  }
}
