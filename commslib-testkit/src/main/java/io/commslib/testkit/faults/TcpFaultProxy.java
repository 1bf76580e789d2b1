package io.commslib.testkit.faults;

import io.commslib.core.checks.Checks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A TCP proxy in this JVM that forwards to a real server and breaks connections on demand, for
 * tests of clients on a failing network.
 *
 * <p>Thread-safe; its creator closes it. Uses a thread, and two for each connection, named {@code
 * commslib-testkit-proxy-<n>}. Faults hold until {@link #heal()} and apply to open and new
 * connections alike.
 */
public final class TcpFaultProxy implements AutoCloseable {

  /** The two directions through the proxy. */
  public enum Direction {
    /** From the client to the server: requests. */
    TO_SERVER,
    /** From the server to the client: answers. */
    TO_CLIENT
  }

  private static final int ACCEPTOR_END_MILLIS = 10_000;

  private final InetSocketAddress server;
  private final int port;
  private final ProxyFaults faults = new ProxyFaults();
  private final Set<ProxyConnection> connections = ConcurrentHashMap.newKeySet();
  private final AtomicInteger threads = new AtomicInteger();
  private final AtomicInteger accepted = new AtomicInteger();
  private ServerSocket listener;
  private Thread acceptor;
  private volatile boolean closed;

  private TcpFaultProxy(InetSocketAddress server) throws IOException {
    this.server = server;
    this.listener = bind(0);
    this.port = listener.getLocalPort();
    this.acceptor = acceptFrom(listener);
  }

  /**
   * Starts a proxy on a free port of the loopback interface.
   *
   * @param server the target address; resolved again for each connection
   * @return new proxy
   * @throws IOException if no port is free
   */
  public static TcpFaultProxy to(InetSocketAddress server) throws IOException {
    return new TcpFaultProxy(server);
  }

  /**
   * Returns the port that clients connect to.
   *
   * @return the port on the loopback interface; never changes
   */
  public int port() {
    return port;
  }

  /**
   * Returns the number of open connections.
   *
   * @return 0 or more
   */
  public int connections() {
    return connections.size();
  }

  /**
   * Returns the number of connections that were accepted so far.
   *
   * @return 0 or more
   */
  public int accepted() {
    return accepted.get();
  }

  /**
   * Returns the number of bytes forwarded so far; a piece counts just after it was written.
   *
   * @param direction the direction
   * @return 0 or more
   */
  public long forwardedBytes(Direction direction) {
    return faults.forwardedBytes(direction);
  }

  /** Resets all open connections: both sides get a connection reset. New ones are accepted. */
  public void cut() {
    // A copy: a client may connect again before the last one is reset.
    List.copyOf(connections).forEach(ProxyConnection::reset);
  }

  /**
   * Resets the next connection that has forwarded this many more bytes in one direction, right
   * after them, to cut between a request and its answer. Happens once.
   *
   * @param direction the direction whose bytes count
   * @param bytes 1 or more
   */
  public void cutAfter(Direction direction, long bytes) {
    faults.cutAfter(direction, Checks.inRange("bytes", bytes, 1, Long.MAX_VALUE));
  }

  /** Refuses new connections until {@link #heal()}; open ones continue. */
  public synchronized void refuse() {
    closeListener();
  }

  /**
   * Forwards nothing in one direction until {@link #heal()}. Bytes sent in the meantime arrive
   * then, as after a network partition.
   *
   * @param direction the direction
   */
  public void blackHole(Direction direction) {
    faults.blackHole(direction);
  }

  /**
   * Forwards this number of further bytes in one direction, and then nothing until {@link #heal()},
   * to stall within an answer.
   *
   * @param direction the direction whose bytes count
   * @param bytes 1 or more
   */
  public void blackHoleAfter(Direction direction, long bytes) {
    faults.blackHoleAfter(direction, Checks.inRange("bytes", bytes, 1, Long.MAX_VALUE));
  }

  /**
   * Ends one direction of all open connections in order (the receiver reads end of stream); the
   * other direction continues.
   *
   * @param direction the direction
   */
  public void halfClose(Direction direction) {
    connections.forEach(connection -> connection.halfClose(direction));
  }

  /**
   * Delays each piece of data before it is forwarded.
   *
   * @param delay zero for none, up to 1 h
   */
  public void delay(Duration delay) {
    faults.delay(Checks.inRange("delay", delay, Duration.ZERO, Duration.ofHours(1)));
  }

  /**
   * Limits the bytes per second in each direction of each connection.
   *
   * @param bytesPerSecond 100 or more
   */
  public void throttle(long bytesPerSecond) {
    faults.throttle(Checks.inRange("bytesPerSecond", bytesPerSecond, 100L, Long.MAX_VALUE));
  }

  /** Ends all faults. Connections that were cut stay cut. */
  public synchronized void heal() {
    faults.heal();
    if (!closed && listener.isClosed()) {
      try {
        listener = bind(port);
        acceptor = acceptFrom(listener);
      } catch (IOException e) {
        throw new UncheckedIOException("port " + port + " is taken", e);
      }
    }
  }

  /** Resets all connections, frees the port and ends the threads. Idempotent. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      closeListener();
    }
    cut();
    faults.heal();
  }

  private void closeListener() {
    try {
      listener.close();
      // The kernel accepts connections until the acceptor has left its system call.
      acceptor.join(ACCEPTOR_END_MILLIS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static ServerSocket bind(int onPort) throws IOException {
    ServerSocket socket = new ServerSocket();
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), onPort), 128);
    return socket;
  }

  private Thread acceptFrom(ServerSocket socket) {
    return start(() -> accept(socket));
  }

  private void accept(ServerSocket socket) {
    while (!socket.isClosed()) {
      Socket client;
      try {
        client = socket.accept();
        accepted.incrementAndGet();
      } catch (IOException e) {
        // The listener was closed; nothing else ends accept on the loopback interface.
        return;
      }
      connect(client);
    }
  }

  private void connect(Socket client) {
    ProxyConnection connection =
        ProxyConnection.open(
            client,
            new InetSocketAddress(server.getHostString(), server.getPort()),
            faults,
            connections::remove);
    if (connection == null) {
      return;
    }
    connections.add(connection);
    start(() -> connection.pump(Direction.TO_SERVER));
    start(() -> connection.pump(Direction.TO_CLIENT));
    if (closed) {
      connection.reset();
    }
  }

  private Thread start(Runnable body) {
    Thread thread = new Thread(body, "commslib-testkit-proxy-" + threads.incrementAndGet());
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
