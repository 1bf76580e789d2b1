package io.commslib.benchmarks.calls;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Routes on the JDK's server against a bare handler of the same server: POST of 1 KiB that is
 * answered with 1 KiB, 32 in flight, each with an executor of the same kind. The requests have
 * deadline, trace and attempt, which only the routes read. Callers are bare sockets in the same
 * process. Only the processor time of the threads that serve counts: dispatcher, executor, and the
 * tick of the routes.
 */
final class ServerRounds implements AutoCloseable {

  private static final int MANY = 32;
  private static final int ROUNDS = 15;
  private static final int BYTES = 1_024;
  private static final String OURS = "HttpRoutes";
  private static final String BARE = "bare HttpHandler";

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final ExecutorService calling = Executors.newFixedThreadPool(MANY);
  private final ExecutorService servingOurs = Executors.newFixedThreadPool(2 * MANY);
  private final ExecutorService servingBare = Executors.newFixedThreadPool(2 * MANY);
  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final byte[] body = new byte[BYTES];
  private final HttpServerComponent ours;
  private final HttpServer bare;
  private final Set<Long> others = new HashSet<>();
  private final Set<Long> threadsOfOurs;
  private final Set<Long> threadsOfBare;

  ServerRounds() throws Exception {
    calling.invokeAll(starting(MANY));
    newThreads();
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .route(
                "POST /v1/orders/{id}",
                byte[].class,
                (request, order) ->
                    HttpAnswer.of(200).withBytes("application/octet-stream", answer(order.length)))
            .build();
    ours =
        HttpServerComponent.builder("ours", routes, runtime)
            .host("127.0.0.1")
            .executor(servingOurs)
            .build();
    ours.start();
    call(ours.port(), 2_000);
    threadsOfOurs = newThreads();
    bare = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1_024);
    bare.setExecutor(servingBare);
    bare.createContext("/", this::handle);
    bare.start();
    call(bare.getAddress().getPort(), 2_000);
    threadsOfBare = newThreads();
  }

  /** Tasks that start all threads of a pool. */
  private static List<Callable<Void>> starting(int threads) {
    CyclicBarrier all = new CyclicBarrier(threads);
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      tasks.add(
          () -> {
            all.await();
            return null;
          });
    }
    return tasks;
  }

  private Set<Long> newThreads() {
    Set<Long> found = new HashSet<>();
    for (long id : THREADS.getAllThreadIds()) {
      if (others.add(id)) {
        found.add(id);
      }
    }
    return found;
  }

  private byte[] answer(int received) {
    if (received != BYTES) {
      throw new IllegalStateException("body: " + received + " (expected: " + BYTES + ")");
    }
    return body;
  }

  private void handle(HttpExchange exchange) throws IOException {
    byte[] answer = answer(exchange.getRequestBody().readAllBytes().length);
    exchange.getResponseHeaders().set("Content-Type", "application/octet-stream");
    exchange.sendResponseHeaders(200, answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
  }

  void run(boolean quick, PrintStream out, Map<String, Double> figures) throws Exception {
    int calls = quick ? 2_000 : 30_000;
    int port = bare.getAddress().getPort();
    Rounds rounds =
        new Rounds()
            .contender(OURS, () -> measure(ours.port(), calls, threadsOfOurs))
            .contender(BARE, () -> measure(port, calls, threadsOfBare))
            .run(quick ? 1 : 4, quick ? 3 : ROUNDS);
    rounds.print(out, "calls per processor second");
    figures.put("serverVsRaw", rounds.ratio(OURS, BARE));
  }

  private double measure(int port, int calls, Set<Long> threads) throws Exception {
    long before = nanos(threads);
    int made = call(port, calls);
    return made * 1e9 / (nanos(threads) - before);
  }

  private static long nanos(Set<Long> threads) {
    long sum = 0;
    for (long thread : threads) {
      sum += Math.max(0, THREADS.getThreadCpuTime(thread));
    }
    return sum;
  }

  /** Makes calls with 32 connections and returns their number. */
  private int call(int port, int calls) throws Exception {
    List<Future<?>> all = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      all.add(
          calling.submit(
              () -> {
                converse(port, calls / MANY);
                return null;
              }));
    }
    for (Future<?> each : all) {
      each.get();
    }
    return calls / MANY * MANY;
  }

  private static void converse(int port, int calls) throws IOException {
    byte[] request = request();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setTcpNoDelay(true);
      InputStream in = socket.getInputStream();
      byte[] received = new byte[4_096];
      for (int n = 0; n < calls; n++) {
        socket.getOutputStream().write(request);
        int length = 0;
        int expected = Integer.MAX_VALUE;
        while (length < expected) {
          int count = in.read(received, length, received.length - length);
          if (count < 0) {
            throw new IOException("the server has closed the connection");
          }
          length += count;
          expected = expected == Integer.MAX_VALUE ? expected(received, length) : expected;
        }
      }
    }
  }

  /** The bytes of the whole answer, once its head is complete. */
  private static int expected(byte[] received, int length) {
    for (int at = 3; at < length; at++) {
      if (received[at] == '\n' && received[at - 2] == '\n') {
        return at + 1 + BYTES;
      }
    }
    return Integer.MAX_VALUE;
  }

  private static byte[] request() {
    byte[] head =
        """
        POST /v1/orders/4711 HTTP/1.1\r
        Host: 127.0.0.1\r
        User-Agent: benchmark\r
        Content-Type: application/octet-stream\r
        Content-Length: 1024\r
        X-Request-Timeout-Ms: 5000\r
        X-Request-Attempt: 1\r
        traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r
        \r
        """
            .getBytes(StandardCharsets.ISO_8859_1);
    return Arrays.copyOf(head, head.length + BYTES);
  }

  @Override
  public void close() {
    ours.close();
    bare.stop(0);
    calling.shutdownNow();
    servingOurs.shutdownNow();
    servingBare.shutdownNow();
    runtime.close();
  }
}
