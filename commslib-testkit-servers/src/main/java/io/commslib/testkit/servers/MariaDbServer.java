package io.commslib.testkit.servers;

import java.util.Map;

/**
 * A MariaDB server with durable settings: each commit is flushed to the disk.
 *
 * <p>The isolation level stays the server's default, REPEATABLE READ. Clients need MariaDB's JDBC
 * driver on their class path; this module doesn't bring it.
 */
public final class MariaDbServer extends DatabaseServer {

  private static final CreatedOnce<MariaDbServer> SHARED =
      new CreatedOnce<>(MariaDbServer::createShared);

  static final String USER = "root";

  private static final String URL_VARIABLE = "COMMSLIB_TEST_MARIADB_URL";

  private MariaDbServer(ServerControl control, Login login) {
    super(control, login, " CHARACTER SET utf8mb4");
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
   * Starts a server with additional settings, such as {@code max_allowed_packet}.
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

  private static MariaDbServer at(ServerControl control, int port) {
    return new MariaDbServer(
        control, new Login("jdbc:mariadb://127.0.0.1:" + port + "/test?sslMode=disable", USER, ""));
  }

  private static MariaDbServer createShared() {
    String url = System.getenv(URL_VARIABLE);
    if (url != null && !url.isBlank()) {
      return new MariaDbServer(
          ProtectedControl.remote(URL_VARIABLE),
          Login.fromEnvironment(url, "COMMSLIB_TEST_MARIADB", USER));
    }
    int port = FreePorts.next();
    return at(ProtectedControl.shared(MariaDbLauncher.start(port, Map.of())), port);
  }
}
