package io.commslib.http.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.StoreException;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.HttpService;
import io.commslib.http.Problem;
import io.commslib.jackson.JacksonCodec;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServerFailuresTest {

  private static final String SECRET = "hunter2";

  private static CallException failedCall(CallOutcome outcome) {
    CallTarget target = CallTarget.of("pricing", "GET /prices", Idempotency.SAFE);
    return CallException.builder("COMMS-CALL-001", "no answer", target, outcome).build();
  }

  private static TestServer serverOf(RouteHandler handler) {
    return new TestServer(
        routes ->
            routes
                .maxTimeout(Duration.ofSeconds(20))
                .route("GET /fails", handler)
                .route("GET /works", request -> HttpAnswer.noContent()));
  }

  private static void works(TestServer server) throws Exception {
    assertThat(server.get("/works").statusCode()).isEqualTo(204);
    Await.until("nothing in flight", () -> server.routes.inFlight() == 0);
  }

  @Test
  void aFailureReachesTheCallerWithoutItsText() throws Exception {
    List<Throwable> failures =
        List.of(
            new IllegalStateException(SECRET),
            new AssertionError(SECRET),
            new StackOverflowError(SECRET),
            new OutOfMemoryError(SECRET),
            new Exception(SECRET));
    for (Throwable failure : failures) {
      try (TestServer server = serverOf(request -> thrown(failure))) {
        HttpResponse<String> answer = server.get("/fails");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).doesNotContain(SECRET).doesNotContain("at io.");
        assertThat(TestServer.text(answer)).isEqualTo("COMMS-HTTP-109: the handler failed");
        works(server);
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> HttpAnswer thrown(Throwable failure) throws E {
    throw (E) failure;
  }

  @Test
  void aFailureOfTheJvmIsThrownAfterTheAnswer() {
    try (TestServer server = serverOf(request -> thrown(new OutOfMemoryError("no heap")))) {
      ServerAnswer answer = server.routes.handle(new FixedRequest("GET", "/fails"));
      assertThat(answer.status()).isEqualTo(500);
      assertThat(answer.jvmFailure()).containsInstanceOf(OutOfMemoryError.class);
      assertThat(server.routes.handle(new FixedRequest("GET", "/works")).jvmFailure()).isEmpty();
    }
  }

  /** A repetition would have the effects of the handler once more, for the same failure. */
  @Test
  void anAnswerThatCanNotBeSentForbidsRepetitions() throws Exception {
    Object cyclic =
        new Object() {
          @SuppressWarnings("unused")
          public Object getSelf() {
            throw new IllegalStateException(SECRET);
          }
        };
    RouteHandler noAnswer = request -> null;
    RouteHandler notEncodable = request -> HttpAnswer.ok(cyclic);
    for (RouteHandler handler : List.of(noAnswer, notEncodable)) {
      try (TestServer server =
          new TestServer(
              routes ->
                  routes
                      .codec(JacksonCodec.create())
                      .route("GET /fails", handler)
                      .route("GET /works", request -> HttpAnswer.noContent()))) {
        HttpResponse<String> answer = server.get("/fails");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).doesNotContain(SECRET);
        assertThat(TestServer.text(answer))
            .isEqualTo("COMMS-HTTP-117: the handler has run, and its answer can't be sent");
        assertThat(TestServer.problem(answer).isRetryable()).isFalse();
        works(server);
      }
    }
  }

  @Test
  void anAnswerThatNeedsACodecIsRefusedWithoutOne() throws Exception {
    try (TestServer server = serverOf(request -> HttpAnswer.ok("text"))) {
      HttpResponse<String> answer = server.get("/fails");
      assertThat(TestServer.problem(answer).code()).contains("COMMS-HTTP-117");
      works(server);
    }
  }

  @Test
  void aFailedCallForbidsRetriesWhenItsOwnHaveEnded() throws Exception {
    CallOutcome ended =
        CallOutcome.answered(CallStatus.UNAVAILABLE)
            .withRetryAfter(Duration.ofMillis(2_100))
            .withoutRetry();
    try (TestServer server =
        serverOf(request -> thrown(new IllegalStateException("wrapped", failedCall(ended))))) {
      HttpResponse<String> answer = server.get("/fails");
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(TestServer.text(answer))
          .isEqualTo("COMMS-HTTP-110: a call or another dependency of the handler failed");
      Problem problem = TestServer.problem(answer);
      assertThat(problem.isRetryable()).isFalse();
      assertThat(problem.retryAfter()).contains(Duration.ofMillis(2_100));
      assertThat(answer.headers().firstValue("Retry-After")).contains("3");
      works(server);
    }
  }

  @Test
  void aCallThatTimedOutIsAGatewayTimeout() throws Exception {
    CallOutcome late = CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT);
    try (TestServer server = serverOf(request -> thrown(failedCall(late)))) {
      HttpResponse<String> answer = server.get("/fails");
      assertThat(answer.statusCode()).isEqualTo(504);
      assertThat(TestServer.problem(answer).isRetryable()).isTrue();
    }
  }

  /** Attempts would multiply from hop to hop. */
  @Test
  void aFailingAnswerForbidsRetriesOfWhatWasRepeated() throws Exception {
    try (TestServer remote =
            new TestServer(
                routes ->
                    routes
                        .route("GET /late", request -> HttpAnswer.of(504))
                        .route("POST /busy", byte[].class, (request, bytes) -> HttpAnswer.of(503))
                        .route("GET /taken", request -> HttpAnswer.of(409))
                        .route("GET /gone", request -> HttpAnswer.of(410)));
        Resilience resilience = Resilience.create(remote.runtime)) {
      HttpService service =
          HttpService.builder("remote", remote.request("").build().uri()).build(resilience);
      assertFails(() -> service.get("/late").send(), 504, false);
      assertFails(() -> service.post("/busy").send(), 503, true);
      assertFails(() -> service.get("/gone").send(), 500, true);
      assertFails(() -> service.get("/taken").send(), 500, true);
    }
  }

  private static void assertFails(Runnable call, int status, boolean retryable) throws Exception {
    RouteHandler handler =
        request -> {
          call.run();
          return HttpAnswer.noContent();
        };
    try (TestServer server = serverOf(handler)) {
      HttpResponse<String> answer = server.get("/fails");
      assertThat(answer.statusCode()).isEqualTo(status);
      assertThat(TestServer.problem(answer).isRetryable()).isEqualTo(retryable);
    }
  }

  @Test
  void anOutageOfADependencyIsUnavailable() throws Exception {
    StoreException outage =
        new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "no database", null);
    try (TestServer server = serverOf(request -> thrown(outage))) {
      assertThat(server.get("/fails").statusCode()).isEqualTo(503);
    }
  }

  @Test
  void aLostRaceOfATransactionMayBeRepeated() throws Exception {
    StoreException race =
        new StoreException("COMMS-TEST-001", FailureKind.CONTENTION, "serialization", null);
    try (TestServer server =
        serverOf(request -> thrown(new IllegalStateException("wrapped", race)))) {
      HttpResponse<String> answer = server.get("/fails");
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(TestServer.problem(answer).isRetryable()).isTrue();
      assertThat(answer.headers().firstValue("Retry-After")).contains("1");
    }
  }

  @Test
  void aHandlerThatHangsIsInterruptedAtItsDeadline() throws Exception {
    try (TestServer server = serverOf(request -> hang())) {
      long begin = System.nanoTime();
      HttpResponse<String> answer = server.get("/fails", "X-Request-Timeout-Ms", "100");
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
      assertThat(answer.statusCode()).isEqualTo(504);
      assertThat(TestServer.text(answer))
          .isEqualTo(
              "COMMS-HTTP-108: the handler overran the time of the request; it may have taken"
                  + " effect");
      assertThat(server.routes.overruns()).isEqualTo(1);
      works(server);
    }
  }

  /** The call has the deadline of the request, so both interrupt the thread at the same moment. */
  @Test
  void aHandlerIsInterruptedAlthoughItsCallTakesTheInterruptOfItsOwnTimeout() throws Exception {
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime)) {
      CompletableFuture<TestServer> serving = new CompletableFuture<>();
      RouteHandler handler =
          request -> {
            HttpRoutes routes = serving.join().routes;
            String quote =
                resilience
                    .guard("pricing")
                    .operation("quote", Idempotency.SAFE)
                    .callOr(
                        attempt -> untilBothAreInterrupted(resilience, routes),
                        failure -> "too late");
            new CountDownLatch(1).await(20, TimeUnit.SECONDS);
            return HttpAnswer.of(200).withBytes("text/plain", quote.getBytes(UTF_8));
          };
      try (TestServer server = serverOf(handler)) {
        serving.complete(server);
        HttpResponse<String> answer = server.get("/fails", "X-Request-Timeout-Ms", "100");
        assertThat(answer.statusCode()).as("%s", answer.body()).isEqualTo(504);
        works(server);
      }
    }
  }

  private static String untilBothAreInterrupted(Resilience resilience, HttpRoutes routes) {
    while (resilience.overruns() == 0 || routes.overruns() == 0) {
      Thread.onSpinWait();
    }
    return "late";
  }

  private static HttpAnswer hang() throws InterruptedException {
    new CountDownLatch(1).await();
    return HttpAnswer.noContent();
  }

  @Test
  void aLateAnswerIsStillTheAnswer() throws Exception {
    RouteHandler swallows =
        request -> {
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            return HttpAnswer.of(201);
          }
          return HttpAnswer.noContent();
        };
    try (TestServer server = serverOf(swallows)) {
      assertThat(server.get("/fails", "X-Request-Timeout-Ms", "100").statusCode()).isEqualTo(201);
      works(server);
    }
  }

  /** An interrupted thread can't write to a channel: it closes the connection instead. */
  @Test
  void anInterruptThatAHandlerLeavesDoesNotReachTheAnswer() throws Exception {
    RouteHandler leaves =
        request -> {
          Thread.currentThread().interrupt();
          return HttpAnswer.of(201);
        };
    try (TestServer server = serverOf(leaves)) {
      assertThat(server.get("/fails").statusCode()).isEqualTo(201);
      works(server);
    }
  }

  @Test
  void requestsOverTheBoundAreRefusedWithoutTheirHandler() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger runs = new AtomicInteger();
    try (TestServer server =
        new TestServer(
            routes ->
                routes
                    .maxInFlight(2)
                    .retryAfter(Duration.ofMillis(1_500))
                    .route(
                        "GET /works",
                        request -> {
                          runs.incrementAndGet();
                          go.await();
                          return HttpAnswer.noContent();
                        }))) {
      List<CompletableFuture<Integer>> running = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        running.add(
            server
                .client
                .sendAsync(server.request("/works").build(), HttpResponse.BodyHandlers.discarding())
                .thenApply(HttpResponse::statusCode));
      }
      Await.until("two handlers run", () -> runs.get() == 2);
      HttpResponse<String> answer = server.get("/works");
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).contains("2");
      assertThat(TestServer.text(answer))
          .isEqualTo(
              "COMMS-HTTP-111: requests in flight: too many (expected: at most 2, the server's"
                  + " maxInFlight)");
      assertThat(server.routes.refused()).isEqualTo(1);
      assertThat(server.get("/health/live").statusCode()).isEqualTo(200);
      go.countDown();
      assertThat(running).allSatisfy(status -> assertThat(status.get()).isEqualTo(204));
      assertThat(runs).hasValue(2);
      works(server);
    }
  }

  private static TestServer upload(AtomicBoolean ran, Duration idle) {
    return new TestServer(
        routes ->
            routes
                .idleTime(idle)
                .route(
                    "PUT /file",
                    byte[].class,
                    (request, bytes) -> {
                      ran.set(true);
                      return HttpAnswer.noContent();
                    })
                .route("GET /large", request -> large())
                .route("GET /works", request -> HttpAnswer.noContent()));
  }

  private static HttpAnswer large() {
    return HttpAnswer.of(200).withBytes("application/octet-stream", new byte[64 << 20]);
  }

  @Test
  void aBodyThatStallsIsCut() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    try (TestServer server = upload(ran, Duration.ofMillis(100));
        Socket socket = server.connect()) {
      TestServer.write(socket, "PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
      assertThat(ran).isFalse();
      works(server);
    }
  }

  @Test
  void aTrickledBodyIsCutAtTheDeadline() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    try (TestServer server = upload(ran, Duration.ofSeconds(5));
        Socket socket = server.connect()) {
      TestServer.write(
          socket,
          "PUT /file HTTP/1.1\r\nHost: x\r\nX-Request-Timeout-Ms: 300\r\n"
              + "Content-Length: 100000\r\n\r\n");
      long begin = System.nanoTime();
      assertThatThrownBy(
              () -> {
                while (true) {
                  TestServer.write(socket, "a");
                  server.runtime.pause(Duration.ofMillis(5));
                }
              })
          .isInstanceOf(java.io.IOException.class);
      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .isBetween(Duration.ofMillis(200), Duration.ofSeconds(3));
      assertThat(ran).isFalse();
      works(server);
    }
  }

  @Test
  void anAnswerThatIsNotTakenIsCut() throws Exception {
    try (TestServer server = upload(new AtomicBoolean(), Duration.ofMillis(200));
        Socket socket = server.connect()) {
      TestServer.write(socket, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
      Await.until("it is in flight", () -> server.routes.inFlight() == 1);
      Await.until("the writing ends", () -> server.routes.inFlight() == 0);
      assertThat(server.routes.overruns()).isPositive();
      works(server);
    }
  }

  @Test
  void aBodyThatIsCutShortRunsNoHandler() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    try (TestServer server = upload(ran, Duration.ofSeconds(5))) {
      try (Socket socket = server.connect()) {
        TestServer.write(socket, "PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
        socket.shutdownOutput();
        // The caller may have sent all of it, so this must not forbid a repetition, as 400 would.
        assertThat(TestServer.read(socket))
            .anyMatch(line -> line.contains(" 408 "))
            .anyMatch(
                line -> line.contains("COMMS-HTTP-114") && line.contains("\"retryable\":true"));
      }
      works(server);
      assertThat(ran).isFalse();
    }
  }

  /** The JDK's server throws an unchecked exception for it. */
  @Test
  void aChunkOfAnImpossibleLengthIsNoFailureOfTheHandler() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    try (TestServer server = upload(ran, Duration.ofSeconds(5))) {
      try (Socket socket = server.connect()) {
        TestServer.write(
            socket,
            "PUT /file HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "FFFFFFFFFFFF\r\nabc");
        assertThat(TestServer.read(socket))
            .anyMatch(line -> line.contains(" 408 "))
            .anyMatch(line -> line.contains("COMMS-HTTP-114"));
      }
      works(server);
      assertThat(ran).isFalse();
    }
  }

  /** A refused request whose body trickles must not keep its thread either. */
  @Test
  void whatIsLeftOfARefusedBodyIsNotWaitedFor() throws Exception {
    try (TestServer server = upload(new AtomicBoolean(), Duration.ofMillis(100));
        Socket socket = server.connect()) {
      TestServer.write(
          socket, "PUT /missing HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\nabc");
      assertThat(TestServer.read(socket).get(0)).contains("404");
      works(server);
    }
  }
}
