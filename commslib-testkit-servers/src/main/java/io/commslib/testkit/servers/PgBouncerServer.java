package io.commslib.testkit.servers;

import java.util.Map;
import java.util.Objects;

/**
 * PgBouncer in front of a PostgreSQL server: a pooler that gives a server connection to a client
 * for one transaction, so that two transactions of one client may run in different sessions.
 *
 * <p>A kill ends the connections of its clients; the PostgreSQL server behind it continues.
 */
public final class PgBouncerServer extends DatabaseServer {

  private PgBouncerServer(ServerControl control, Login login) {
    super(control, login, "");
  }

  /**
   * Starts a pooler in transaction mode and blocks until it serves clients.
   *
   * @param behind the running server behind it; it must be closed after the pooler
   * @return the pooler; the caller closes it
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static PgBouncerServer start(PostgresServer behind) {
    return start(behind, Map.of());
  }

  /**
   * Starts a pooler with additional settings, such as {@code default_pool_size}.
   *
   * @param behind the running server behind it; it must be closed after the pooler
   * @param settings names and values as in {@code pgbouncer.ini}; they win over the launcher's
   * @return the pooler; the caller closes it
   * @throws ServerUnavailableException if none is installed or it doesn't start
   */
  public static PgBouncerServer start(PostgresServer behind, Map<String, String> settings) {
    Objects.requireNonNull(behind, "behind");
    Map<String, String> copy = Map.copyOf(settings);
    int port = FreePorts.next();
    String url = behind.jdbcUrl().replaceFirst("//[^/]*/", "//127.0.0.1:" + port + "/");
    return new PgBouncerServer(
        PgBouncerLauncher.start(behind, port, url, copy),
        new Login(url, behind.user(), behind.password()));
  }
}
