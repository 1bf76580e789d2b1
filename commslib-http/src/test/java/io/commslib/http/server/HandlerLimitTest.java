package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.VirtualTime;
import io.commslib.http.Problem;
import io.commslib.resilience.AdaptiveLimiter;
import io.commslib.resilience.AdaptiveLimiterConfig;
import io.commslib.testkit.Await;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The limiter of the handlers that run. */
class HandlerLimitTest {

  /** Records how each permit ended. */
  private static final class RecordingLimiter implements ConcurrencyLimiter {
    final List<CallStatus> ended = new ArrayList<>();
    final List<Long> nanos = new ArrayList<>();
    private int inFlight;

    @Override
    public @Nullable Permit tryAcquire() {
      inFlight++;
      return new Permit() {
        @Override
        public void ended(CallOutcome outcome, long took) {
          inFlight--;
          ended.add(outcome.status());
          nanos.add(took);
        }

        @Override
        public void released() {
          inFlight--;
        }
      };
    }

    @Override
    public int inFlight() {
      return inFlight;
    }

    @Override
    public int limit() {
      return 1;
    }
  }

  private final VirtualTime time = VirtualTime.startingAt(Instant.EPOCH, 1);

  private HttpRoutes routes(ConcurrencyLimiter limiter) {
    return HttpRoutes.builder(time)
        .limiter(limiter)
        .route("GET /works", request -> took(3, HttpAnswer.noContent()))
        .route("GET /fails", request -> failing(new IllegalStateException("hunter2")))
        .route("GET /conflict", request -> failing(new ProblemException(conflict())))
        .route("GET /late", request -> took(90_000, HttpAnswer.noContent()))
        .route("PUT /file", byte[].class, (request, bytes) -> HttpAnswer.noContent())
        .build();
  }

  private static Problem conflict() {
    return Problem.builder(409).code("STOCK-7").build();
  }

  private HttpAnswer took(long millis, HttpAnswer answer) {
    time.advance(Duration.ofMillis(millis));
    return answer;
  }

  private static HttpAnswer failing(RuntimeException failure) {
    throw failure;
  }

  private static int status(HttpRoutes routes, String method, String path) {
    return routes.handle(new FixedRequest(method, path)).status();
  }

  @Test
  void theLimiterLearnsFromHandlersOnly() {
    RecordingLimiter limiter = new RecordingLimiter();
    HttpRoutes routes = routes(limiter);
    assertThat(status(routes, "GET", "/none")).isEqualTo(404);
    assertThat(status(routes, "DELETE", "/works")).isEqualTo(405);
    assertThat(status(routes, "OPTIONS", "/works")).isEqualTo(204);
    assertThat(limiter.ended).as("no handler ran").isEmpty();
    assertThat(status(routes, "GET", "/works")).isEqualTo(204);
    assertThat(status(routes, "GET", "/fails")).isEqualTo(500);
    assertThat(status(routes, "GET", "/conflict")).isEqualTo(409);
    assertThat(status(routes, "GET", "/late")).isEqualTo(204);
    assertThat(status(routes, "PUT", "/file")).isEqualTo(204);
    assertThat(limiter.ended)
        .containsExactly(
            CallStatus.OK,
            CallStatus.INTERNAL,
            CallStatus.ABORTED,
            CallStatus.DEADLINE_EXCEEDED,
            CallStatus.OK);
    assertThat(limiter.nanos.get(0)).isEqualTo(3_000_000);
    assertThat(limiter.inFlight()).isZero();
  }

  /** The handler has run, so the caller must get its answer. */
  @Test
  void aLimiterThatFailsChangesNoAnswer() {
    AtomicInteger ended = new AtomicInteger();
    RecordingLimiter recording = new RecordingLimiter();
    ConcurrencyLimiter failing =
        new ConcurrencyLimiter() {
          @Override
          public Permit tryAcquire() {
            return new Permit() {
              @Override
              public void ended(CallOutcome outcome, long nanos) {
                ended.incrementAndGet();
                throw new AssertionError("hunter2");
              }

              @Override
              public void released() {
                // Not used.
              }
            };
          }

          @Override
          public int inFlight() {
            return 0;
          }

          @Override
          public int limit() {
            return recording.limit();
          }
        };
    assertThat(status(routes(failing), "GET", "/works")).isEqualTo(204);
    assertThat(ended).hasValue(1);
  }

  private static TestServer serving(
      ConcurrencyLimiter limiter, CountDownLatch go, AtomicInteger runs) {
    Consumer<HttpRoutes.Builder> settings =
        routes ->
            routes
                .limiter(limiter)
                .retryAfter(Duration.ofMillis(1_500))
                .route(
                    "PUT /works",
                    byte[].class,
                    (request, bytes) -> {
                      runs.incrementAndGet();
                      go.await();
                      return HttpAnswer.noContent();
                    })
                .route("GET /works", request -> HttpAnswer.noContent());
    return new TestServer(settings);
  }

  @Test
  void requestsOverTheLimitAreRefusedWithoutTheirHandler() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger runs = new AtomicInteger();
    AdaptiveLimiterConfig two =
        AdaptiveLimiterConfig.builder().minLimit(2).initialLimit(2).maxLimit(2).build();
    AdaptiveLimiter limiter = AdaptiveLimiter.create(two, time);
    try (TestServer server = serving(limiter, go, runs);
        Socket slow = server.connect()) {
      // A caller that sends slowly holds no permit.
      TestServer.write(slow, "PUT /works HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
      List<CompletableFuture<Integer>> running = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        running.add(
            server
                .client
                .sendAsync(
                    server
                        .request("/works")
                        .PUT(java.net.http.HttpRequest.BodyPublishers.ofString("x"))
                        .build(),
                    HttpResponse.BodyHandlers.discarding())
                .thenApply(HttpResponse::statusCode));
      }
      Await.until("two handlers run", () -> runs.get() == 2);
      HttpResponse<String> answer = server.get("/works");
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).contains("2");
      assertThat(TestServer.problem(answer).isRetryable()).isTrue();
      assertThat(TestServer.text(answer))
          .isEqualTo(
              "COMMS-HTTP-111: requests in flight: too many (expected: at most 2, the server's"
                  + " limiter now)");
      assertThat(server.routes.refused()).isEqualTo(1);
      assertThat(server.server.health().details()).containsEntry("limit", "2");
      assertThat(server.get("/health/live").statusCode()).isEqualTo(200);
      go.countDown();
      assertThat(running).allSatisfy(status -> assertThat(status.get()).isEqualTo(204));
      TestServer.write(slow, "defghij");
      assertThat(TestServer.read(slow).get(0)).contains("204");
      assertThat(runs).hasValue(3);
      assertThat(server.get("/works").statusCode()).isEqualTo(204);
      assertThat(limiter.inFlight()).isZero();
    }
  }

  @Test
  void theLessCriticalAreRefusedFirst() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger runs = new AtomicInteger();
    AdaptiveLimiterConfig two =
        AdaptiveLimiterConfig.builder().minLimit(2).initialLimit(2).maxLimit(2).build();
    try (TestServer server = serving(AdaptiveLimiter.create(two, time), go, runs)) {
      CompletableFuture<HttpResponse<Void>> running =
          server.client.sendAsync(
              server
                  .request("/works")
                  .PUT(java.net.http.HttpRequest.BodyPublishers.ofString("x"))
                  .build(),
              HttpResponse.BodyHandlers.discarding());
      Await.until("a handler runs", () -> runs.get() == 1);
      assertThat(status(server, "SHEDDABLE")).isEqualTo(503);
      assertThat(status(server, "CRITICAL")).isEqualTo(204);
      assertThat(status(server, "SHEDDABLE_PLUS")).isEqualTo(204);
      assertThat(server.get("/works").statusCode()).isEqualTo(204);
      go.countDown();
      assertThat(running.get().statusCode()).isEqualTo(204);
    }
  }

  private static int status(TestServer server, String criticality) throws Exception {
    return server
        .client
        .send(
            server.request("/works").header("baggage", "criticality=" + criticality).build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }
}
