package io.commslib.testkit.servers;

import java.util.Map;

/**
 * A RabbitMQ node of its own: port, data folder, Erlang port mapper, user {@code guest}.
 *
 * <p>A quorum queue that is younger than two seconds may lose confirmed messages when a single node
 * is killed, and may never recover; declare such queues that long before a {@link #kill}.
 */
public final class RabbitServer extends ControlledServer {

  private static final CreatedOnce<RabbitServer> SHARED =
      new CreatedOnce<>(RabbitServer::createShared);

  private static final String URI_VARIABLE = "COMMSLIB_TEST_RABBIT_URI";

  private final String uri;

  private RabbitServer(ServerControl control, String uri) {
    super(control);
    this.uri = uri;
  }

  /**
   * Starts a node without queues and blocks until it serves clients.
   *
   * @return the node; the caller closes it
   * @throws ServerUnavailableException if RabbitMQ isn't installed or it doesn't start
   */
  public static RabbitServer start() {
    return start(Map.of());
  }

  /**
   * Starts a node with additional settings, such as {@code consumer_timeout}. With that one a node
   * of this machine compares ten times a second, and not once a minute.
   *
   * @param settings names and values as in {@code rabbitmq.conf}; they win over the launcher's
   * @return the node; the caller closes it
   * @throws ServerUnavailableException if RabbitMQ isn't installed or it doesn't start
   */
  public static RabbitServer start(Map<String, String> settings) {
    Map<String, String> copy = Map.copyOf(settings);
    int port = FreePorts.next();
    return new RabbitServer(RabbitLauncher.start(port, copy), uri(port));
  }

  /**
   * Returns the node that all functional tests of this JVM share; the first call starts it.
   *
   * @return the node named by {@code COMMSLIB_TEST_RABBIT_URI}, else one that ends with the JVM
   * @throws ServerUnavailableException if RabbitMQ isn't installed or it doesn't start
   */
  public static RabbitServer shared() {
    return SHARED.get();
  }

  /**
   * Returns the address for clients, with user and password; it stays the same over restarts.
   *
   * @return an AMQP URI; without a path, which means the virtual host {@code /}, for a node that
   *     this class started
   */
  public String uri() {
    return uri;
  }

  private static String uri(int port) {
    return "amqp://guest:guest@127.0.0.1:" + port;
  }

  private static RabbitServer createShared() {
    String uri = System.getenv(URI_VARIABLE);
    if (uri != null && !uri.isBlank()) {
      return new RabbitServer(ProtectedControl.remote(URI_VARIABLE), uri);
    }
    int port = FreePorts.next();
    return new RabbitServer(
        ProtectedControl.shared(RabbitLauncher.start(port, Map.of())), uri(port));
  }
}
