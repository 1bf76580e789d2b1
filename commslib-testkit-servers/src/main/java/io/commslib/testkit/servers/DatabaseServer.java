package io.commslib.testkit.servers;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/** A database server: its addresses, its login, and new databases on it. */
abstract class DatabaseServer extends ControlledServer {

  private static final Pattern DATABASE_NAME = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
  private static final Pattern URL_DATABASE =
      Pattern.compile("^(jdbc:[a-z]+://[^/?]+/)([^?]*)(.*)$");

  private final Login login;
  private final String databaseOptions;

  /**
   * The address of a server and the login for it.
   *
   * @param jdbcUrl address of a database of the server
   * @param user a user who may create databases
   * @param password the password, maybe empty
   */
  record Login(String jdbcUrl, String user, String password) {

    /** Reads the address from a variable of the environment and the login from two more. */
    static Login fromEnvironment(String url, String prefix, String user) {
      Map<String, String> environment = System.getenv();
      return new Login(
          url,
          environment.getOrDefault(prefix + "_USER", user),
          environment.getOrDefault(prefix + "_PASSWORD", ""));
    }
  }

  /**
   * @param databaseOptions options of {@code CREATE DATABASE}, with a space before them; may be
   *     empty
   */
  DatabaseServer(ServerControl control, Login login, String databaseOptions) {
    super(control);
    this.login = login;
    this.databaseOptions = databaseOptions;
  }

  /**
   * Returns the address of the server's first database, or the address that the environment named.
   *
   * @return a JDBC URL without credentials for a server that this library started; for MariaDB it
   *     turns off TLS, which the driver would request
   */
  public final String jdbcUrl() {
    return login.jdbcUrl();
  }

  /**
   * Returns the address of a database of this server.
   *
   * @param database its name
   * @return a JDBC URL
   */
  public final String jdbcUrl(String database) {
    Objects.requireNonNull(database, "database");
    return URL_DATABASE.matcher(login.jdbcUrl()).replaceFirst("$1" + database + "$3");
  }

  /** {@return the name to connect with; this user may create databases} */
  public final String user() {
    return login.user();
  }

  /** {@return the password to connect with, maybe empty} */
  public final String password() {
    return login.password();
  }

  /**
   * Creates an empty database, on MariaDB with the character set utf8mb4. Blocks the caller.
   *
   * @param database a name of lower-case letters, digits and underscores that isn't in use
   * @return the new database's JDBC URL
   * @throws IllegalArgumentException if the name has another form
   * @throws ServerUnavailableException if the server refuses or isn't running, or its JDBC driver
   *     isn't on the class path
   */
  public final String createDatabase(String database) {
    if (!DATABASE_NAME.matcher(database).matches()) {
      throw new IllegalArgumentException(
          "database: " + database + " (expected: " + DATABASE_NAME.pattern() + ")");
    }
    try (Connection connection =
            DriverManager.getConnection(login.jdbcUrl(), login.user(), login.password());
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + database + databaseOptions);
    } catch (SQLException e) {
      throw new ServerUnavailableException("cannot create database " + database, e);
    }
    return jdbcUrl(database);
  }
}
