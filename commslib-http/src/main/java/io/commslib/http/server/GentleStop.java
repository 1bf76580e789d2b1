package io.commslib.http.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.commslib.core.time.CommsRuntime;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ends a drained server of the JDK so that further connections are refused while requests on open
 * ones still get their answer. The JDK's server does so only as long as it has an exchange in
 * flight: without one it drops every request that it has not read. So one is held, over a
 * connection to the server itself, until no request has arrived for a while.
 */
final class GentleStop {

  private static final Duration QUIET = Duration.ofMillis(20);
  private static final Duration LONGEST = Duration.ofMillis(500);
  private static final Duration STEP = Duration.ofMillis(2);
  private static final int MAX_START_MILLIS = 500;

  /** The JDK's server takes whole seconds. It returns earlier, with the last exchange. */
  private static final int MAX_STOP_SECONDS = 1;

  private final HttpServer server;
  private final HttpRoutes routes;
  private final CommsRuntime runtime;
  private final CountDownLatch held = new CountDownLatch(1);
  private final CountDownLatch stopping = new CountDownLatch(1);

  private GentleStop(HttpServer server, HttpRoutes routes, CommsRuntime runtime) {
    this.server = server;
    this.routes = routes;
    this.runtime = runtime;
  }

  /** Blocks for at most about two seconds; keeps the interrupt of the thread. */
  static void stop(HttpServer server, HttpRoutes routes, CommsRuntime runtime) {
    boolean isInterrupted = Thread.interrupted();
    try {
      new GentleStop(server, routes, runtime).stop();
    } finally {
      // The JDK's server swallows interrupts while it stops.
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void stop() {
    // No other caller knows the path.
    String path = "/commslib-stop-" + Long.toHexString(runtime.random().nextLong());
    server.createContext(path, this::hold);
    InetSocketAddress own = server.getAddress();
    InetAddress target =
        own.getAddress().isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : own.getAddress();
    int delay = 0;
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(target, own.getPort()), MAX_START_MILLIS);
      String request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      if (held.await(MAX_START_MILLIS, TimeUnit.MILLISECONDS)) {
        delay = MAX_STOP_SECONDS;
      }
      stopping.countDown();
      server.stop(delay);
      return;
    } catch (IOException e) {
      // The server does not take connections from here: it ends at once.
      stopping.countDown();
    } catch (InterruptedException e) {
      stopping.countDown();
      Thread.currentThread().interrupt();
    }
    server.stop(delay);
  }

  /** Holds the exchange until no request has arrived for a while. */
  private void hold(HttpExchange exchange) throws IOException {
    held.countDown();
    try {
      stopping.await();
      long begin = runtime.time().nanoTime();
      long last = begin;
      long known = routes.refusedByStop();
      long now = begin;
      while (now - last < QUIET.toNanos() && now - begin < LONGEST.toNanos()) {
        runtime.pause(STEP);
        long count = routes.refusedByStop();
        now = runtime.time().nanoTime();
        if (count != known) {
          known = count;
          last = now;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      routes.interrupt();
      exchange.sendResponseHeaders(204, -1);
      exchange.close();
    }
  }
}
