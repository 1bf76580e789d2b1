package io.commslib.testkit.servers;

import java.util.Map;

/**
 * A PostgreSQL server with durable settings: {@code fsync} and {@code synchronous_commit} are on.
 *
 * <p>{@link #kill} ends the server and its backends at once, like a power failure of the machine
 * except that the caches of the operating system survive.
 */
public final class PostgresServer extends DatabaseServer {

  private static final CreatedOnce<PostgresServer> SHARED =
      new CreatedOnce<>(PostgresServer::createShared);

  static final String USER = "postgres";

  private static final String URL_VARIABLE = "COMMSLIB_TEST_PG_URL";

  private PostgresServer(ServerControl control, Login login) {
    super(control, login, "");
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
   * Starts a server with additional settings, such as {@code wal_level}.
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

  private static PostgresServer at(ServerControl control, int port) {
    return new PostgresServer(control, new Login(PostgresLauncher.jdbcUrl(port), USER, USER));
  }

  private static PostgresServer createShared() {
    String url = System.getenv(URL_VARIABLE);
    if (url != null && !url.isBlank()) {
      return new PostgresServer(
          ProtectedControl.remote(URL_VARIABLE),
          Login.fromEnvironment(url, "COMMSLIB_TEST_PG", USER));
    }
    int port = FreePorts.next();
    return at(ProtectedControl.shared(PostgresLauncher.start(port, Map.of())), port);
  }
}
