package io.commslib.testkit.faults;

import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One connection through the proxy: a socket on each side. */
final class ProxyConnection {

  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
  private static final int PIECE_BYTES = 16 * 1024;

  private final Socket client;
  private final Socket server;
  private final ProxyFaults faults;
  private final Consumer<ProxyConnection> ended;
  private final Set<Direction> halfClosed = ConcurrentHashMap.newKeySet();
  private final AtomicInteger openDirections = new AtomicInteger(2);

  private ProxyConnection(
      Socket client, Socket server, ProxyFaults faults, Consumer<ProxyConnection> ended) {
    this.client = client;
    this.server = server;
    this.faults = faults;
    this.ended = ended;
  }

  /** Connects to the server, or returns null and resets the client if that fails. */
  static @Nullable ProxyConnection open(
      Socket client,
      InetSocketAddress target,
      ProxyFaults faults,
      Consumer<ProxyConnection> ended) {
    Socket server = new Socket();
    try {
      server.connect(target, CONNECT_TIMEOUT_MILLIS);
      server.setTcpNoDelay(true);
      client.setTcpNoDelay(true);
      return new ProxyConnection(client, server, faults, ended);
    } catch (IOException e) {
      reset(client);
      reset(server);
      return null;
    }
  }

  /** Forwards one direction until it ends. Runs on a thread of its own. */
  void pump(Direction direction) {
    Socket from = direction == Direction.TO_SERVER ? client : server;
    Socket to = direction == Direction.TO_SERVER ? server : client;
    try {
      byte[] piece = new byte[PIECE_BYTES];
      for (int read = from.getInputStream().read(piece);
          read >= 0;
          read = from.getInputStream().read(piece)) {
        if (!faults.hold(direction, read, from::isClosed)) {
          return;
        }
        if (!forward(direction, from, to, piece, read)) {
          reset();
          return;
        }
      }
      if (faults.hold(direction, 0, from::isClosed)) {
        halfClose(direction);
      }
      endOfDirection();
    } catch (IOException e) {
      // One side was reset, so the other side is reset too.
      reset();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      reset();
    }
  }

  /** Returns false if a fault cuts the connection here. */
  private boolean forward(Direction direction, Socket from, Socket to, byte[] piece, int bytes)
      throws IOException, InterruptedException {
    int at = 0;
    while (at < bytes && !halfClosed.contains(direction)) {
      int allowed = faults.allowed(direction, bytes - at);
      to.getOutputStream().write(piece, at, allowed);
      at += allowed;
      if (faults.forwarded(direction, allowed)
          || (at < bytes && !faults.hold(direction, 0, from::isClosed))) {
        return false;
      }
    }
    return true;
  }

  private void endOfDirection() throws IOException {
    if (openDirections.decrementAndGet() == 0) {
      // Not a reset: that would discard the bytes that the receivers have not read yet.
      client.close();
      server.close();
      ended.accept(this);
    }
  }

  /** Ends a direction in order; further bytes of its sender are discarded. */
  void halfClose(Direction direction) {
    halfClosed.add(direction);
    Socket to = direction == Direction.TO_SERVER ? server : client;
    try {
      if (!to.isOutputShutdown()) {
        to.shutdownOutput();
      }
    } catch (IOException e) {
      reset();
    }
  }

  void reset() {
    reset(client);
    reset(server);
    faults.wake();
    ended.accept(this);
  }

  private static void reset(Socket socket) {
    try {
      // Linger zero makes close send a reset instead of an orderly end.
      socket.setSoLinger(true, 0);
    } catch (IOException e) {
      // The socket is closed already.
    }
    try {
      socket.close();
    } catch (IOException e) {
      // The socket is closed already.
    }
  }
}
