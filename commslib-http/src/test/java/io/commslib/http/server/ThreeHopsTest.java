package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.HttpAnswerException;
import io.commslib.http.HttpService;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * One deadline over three hops, of which the last one hangs. {@code benchmarks/run calls} measures
 * 1,000 such calls.
 */
class ThreeHopsTest {

  private static final int CALLERS = 8;
  private static final Duration DEADLINE = Duration.ofMillis(150);

  private final CountDownLatch never = new CountDownLatch(1);
  private final SystemRuntime runtime = SystemRuntime.create();
  private final List<TestServer> servers = new ArrayList<>();
  private final List<Resilience> processes = new ArrayList<>();
  private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);

  @AfterEach
  void close() {
    never.countDown();
    callers.shutdownNow();
    servers.forEach(TestServer::close);
    processes.forEach(Resilience::close);
    runtime.close();
  }

  private TestServer server(RouteHandler handler) {
    TestServer server = new TestServer(routes -> routes.route("GET /hop", handler));
    servers.add(server);
    return server;
  }

  private HttpService serviceOf(TestServer server) {
    Resilience process = Resilience.create(runtime);
    processes.add(process);
    return HttpService.builder("hop", URI.create("http://127.0.0.1:" + server.server.port()))
        .build(process);
  }

  @Test
  void eachHopEndsWithTheDeadlineOfTheFirstCaller() throws Exception {
    TestServer last =
        server(
            request -> {
              never.await();
              return HttpAnswer.noContent();
            });
    HttpService toLast = serviceOf(last);
    TestServer middle = server(request -> HttpAnswer.of(toLast.get("/hop").reply().status()));
    HttpService toMiddle = serviceOf(middle);
    TestServer first = server(request -> HttpAnswer.of(toMiddle.get("/hop").reply().status()));
    HttpService toFirst = serviceOf(first);
    // Fewer than a breaker needs for its decision.
    List<Callable<Duration>> calls = new ArrayList<>();
    for (int i = 0; i < 2 * CALLERS; i++) {
      calls.add(() -> lateness(toFirst));
    }
    List<Duration> late = new ArrayList<>();
    for (Future<Duration> call : callers.invokeAll(calls)) {
      late.add(call.get());
    }
    late.sort(null);
    assertThat(late.get(late.size() / 2)).as("all: %s", late).isLessThan(Duration.ofMillis(50));
    assertThat(late.get(late.size() - 1)).isLessThan(Duration.ofSeconds(2));
    for (TestServer server : servers) {
      Await.until("no hop goes on", () -> server.routes.inFlight() == 0);
    }
  }

  /** Returns the time from the deadline until the caller had its error. */
  private static Duration lateness(HttpService service) {
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
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    assertThat(status).isEqualTo(CallStatus.DEADLINE_EXCEEDED);
    return took.minus(DEADLINE);
  }
}
