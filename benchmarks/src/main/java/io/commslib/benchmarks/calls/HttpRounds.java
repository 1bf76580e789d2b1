package io.commslib.benchmarks.calls;

import com.sun.net.httpserver.HttpServer;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.HttpService;
import io.commslib.resilience.Resilience;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A protected call over HTTP against the bare {@code send} of the same kind of client: a GET of 1
 * KiB from a server in the same process, with one and with 32 calls in flight.
 */
final class HttpRounds implements AutoCloseable {

  private static final int MANY = 32;
  private static final int ROUNDS = 9;
  private static final String OURS = "commslib over HTTP";
  private static final String BARE = "bare HttpClient.send";

  /** Makes one call. */
  private interface OneCall {
    void run() throws Exception;
  }

  private final ExecutorService serving = Executors.newFixedThreadPool(MANY);
  private final ExecutorService calling = Executors.newFixedThreadPool(MANY);
  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience = Resilience.create(runtime);
  private final HttpServer server;
  private final URI uri;

  HttpRounds() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(serving);
    byte[] body = new byte[1_024];
    server.createContext(
        "/",
        exchange -> {
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** The JDK's server sends head and body apart, and waits between the two, unless this is set. */
  static void setNoDelay() {
    System.setProperty("sun.net.httpserver.nodelay", "true");
  }

  private static HttpClient newClient() {
    return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  void run(boolean quick, PrintStream out, Map<String, Double> figures) throws Exception {
    HttpClient bareClient = newClient();
    HttpRequest request = HttpRequest.newBuilder(URI.create(uri + "/prices/7")).build();
    OneCall bare =
        () -> check(bareClient.send(request, HttpResponse.BodyHandlers.ofByteArray()).body());
    HttpService service = HttpService.builder("pricing", uri).client(newClient()).build(resilience);
    OneCall ours = () -> check(service.get("/prices/{article}", 7).reply().body());
    int calls = quick ? 500 : 6_000;
    compare(1, calls, ours, bare, "httpVsRaw", quick, out, figures);
    compare(MANY, calls, ours, bare, "httpVsRaw32", quick, out, figures);
  }

  private static void check(byte[] body) {
    if (body.length != 1_024) {
      throw new IllegalStateException("body: " + body.length + " (expected: 1024)");
    }
  }

  private void compare(
      int inFlight,
      int calls,
      OneCall ours,
      OneCall bare,
      String figure,
      boolean quick,
      PrintStream out,
      Map<String, Double> figures)
      throws Exception {
    ProcessorTime ofOurs = new ProcessorTime();
    ProcessorTime ofBare = new ProcessorTime();
    int counted = quick ? 1 : ROUNDS;
    Rounds rounds =
        new Rounds()
            .contender(OURS + ", " + inFlight, measure(inFlight, calls, ours, ofOurs))
            .contender(BARE + ", " + inFlight, measure(inFlight, calls, bare, ofBare))
            .run(quick ? 1 : 3, counted);
    rounds.print(out, "calls/s");
    double processor = ofOurs.nanosPerItem(counted) / ofBare.nanosPerItem(counted);
    out.printf(
        Locale.ROOT,
        "  processor time per call: %.1f us and %.1f us, %.3fx%n",
        ofOurs.nanosPerItem(counted) / 1e3,
        ofBare.nanosPerItem(counted) / 1e3,
        processor);
    figures.put(figure, rounds.ratio(OURS + ", " + inFlight, BARE + ", " + inFlight));
    if (inFlight == 1) {
      figures.put("httpProcessorVsRaw", processor);
    }
  }

  private Callable<Double> measure(int inFlight, int calls, OneCall call, ProcessorTime time) {
    return () -> {
      time.begin();
      long start = System.nanoTime();
      Future<?>[] all = new Future<?>[inFlight];
      for (int i = 0; i < inFlight; i++) {
        all[i] =
            calling.submit(
                () -> {
                  for (int n = 0; n < calls / inFlight; n++) {
                    call.run();
                  }
                  return null;
                });
      }
      for (Future<?> each : all) {
        each.get();
      }
      int made = calls / inFlight * inFlight;
      double perSecond = made * 1e9 / (System.nanoTime() - start);
      time.end(made);
      return perSecond;
    };
  }

  @Override
  public void close() {
    server.stop(0);
    serving.shutdownNow();
    calling.shutdownNow();
    resilience.close();
    runtime.close();
  }
}
