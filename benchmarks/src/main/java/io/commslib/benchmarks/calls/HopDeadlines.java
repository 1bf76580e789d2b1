package io.commslib.benchmarks.calls;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.HttpAnswerException;
import io.commslib.http.HttpService;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.http.server.RouteHandler;
import io.commslib.resilience.Resilience;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The time from the deadline of a call until its caller has the error: over three hops of which the
 * last one hangs, and with an answer whose body stalls, 8 calls in flight.
 */
final class HopDeadlines implements AutoCloseable {

  private static final int CALLERS = 8;
  private static final Duration DEADLINE = Duration.ofMillis(100);

  /** Each call fails, so a breaker would soon refuse them. */
  private static final CallPolicy POLICY =
      CallPolicy.builder().without(CallPolicy.Part.BREAKER).build();

  private static final String STALLING = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";

  private final CountDownLatch never = new CountDownLatch(1);
  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
  private final ExecutorService stalling = Executors.newCachedThreadPool();
  private final List<AutoCloseable> open = new ArrayList<>();

  private HttpService service(int port) {
    // Each hop is a process of its own.
    Resilience process = Resilience.builder(runtime).defaults(POLICY).build();
    open.add(process::close);
    return HttpService.builder("hop", URI.create("http://127.0.0.1:" + port)).build(process);
  }

  private HttpService hop(RouteHandler handler) {
    HttpRoutes routes = HttpRoutes.builder(runtime).route("GET /hop", handler).build();
    HttpServerComponent server =
        HttpServerComponent.builder("hop" + open.size(), routes, runtime).host("127.0.0.1").build();
    server.start();
    open.add(server::close);
    return service(server.port());
  }

  void run(boolean quick, PrintStream out, Map<String, Double> figures) throws Exception {
    HttpService last =
        hop(
            request -> {
              never.await();
              return HttpAnswer.noContent();
            });
    HttpService middle = hop(request -> HttpAnswer.of(last.get("/hop").reply().status()));
    HttpService first = hop(request -> HttpAnswer.of(middle.get("/hop").reply().status()));
    report("threeHops", first, quick ? 80 : 1_000, out, figures);
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      stalling.execute(() -> accept(server));
      report("stalledBody", service(server.getLocalPort()), quick ? 80 : 400, out, figures);
    }
  }

  private void accept(ServerSocket server) {
    try {
      while (true) {
        Socket socket = server.accept();
        stalling.execute(() -> stall(socket));
      }
    } catch (IOException e) {
      // The end of the measurement.
    }
  }

  private static void stall(Socket socket) {
    try (socket) {
      if (socket.getInputStream().read() >= 0) {
        socket.getOutputStream().write(STALLING.getBytes(StandardCharsets.US_ASCII));
        socket.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
      }
    } catch (IOException e) {
      // The caller has closed the connection.
    }
  }

  private void report(
      String name, HttpService service, int calls, PrintStream out, Map<String, Double> figures)
      throws Exception {
    callers.invokeAll(tasks(service, 4 * CALLERS));
    List<Double> late = new ArrayList<>();
    for (Future<Double> call : callers.invokeAll(tasks(service, calls))) {
      late.add(call.get());
    }
    late.sort(null);
    double p99 = late.get(calls * 99 / 100 - 1);
    out.printf(
        Locale.ROOT,
        "  %s: error after the deadline of %d calls: median %.1f ms, p99 %.1f ms, max %.1f ms%n",
        name,
        calls,
        late.get(calls / 2),
        p99,
        late.get(calls - 1));
    figures.put(name + "LateMillisP99", p99);
  }

  private static List<Callable<Double>> tasks(HttpService service, int calls) {
    List<Callable<Double>> tasks = new ArrayList<>();
    for (int i = 0; i < calls; i++) {
      tasks.add(() -> millisLate(service));
    }
    return tasks;
  }

  private static double millisLate(HttpService service) {
    long begin = System.nanoTime();
    CallStatus status = CallStatus.OK;
    try {
      CallContext.within(DEADLINE, () -> service.get("/hop").reply());
    } catch (CallException e) {
      status = e.outcome().status();
    } catch (HttpAnswerException e) {
      // The hop behind has ended a moment earlier.
      status = e.outcome().status();
    }
    if (status != CallStatus.DEADLINE_EXCEEDED) {
      throw new IllegalStateException("status: " + status + " (expected: DEADLINE_EXCEEDED)");
    }
    return (System.nanoTime() - begin - DEADLINE.toNanos()) / 1e6;
  }

  @Override
  public void close() throws Exception {
    never.countDown();
    callers.shutdownNow();
    stalling.shutdownNow();
    for (AutoCloseable each : open) {
      each.close();
    }
    runtime.close();
  }
}
