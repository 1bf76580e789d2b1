package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.fail;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.resilience.Guard;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HttpServerComponentTest {

  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch go = new CountDownLatch(1);

  private TestServer server() {
    return new TestServer(
        routes ->
            routes
                .route(
                    "GET /slow",
                    request -> {
                      entered.countDown();
                      go.await();
                      return HttpAnswer.of(201);
                    })
                .route("GET /works", request -> HttpAnswer.noContent()));
  }

  private static CompletableFuture<HttpResponse<String>> begin(TestServer server, String path) {
    return HttpClient.newHttpClient()
        .sendAsync(server.request(path).build(), HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void reportsThatItLivesAndIsReady() throws Exception {
    try (TestServer server = server()) {
      HttpResponse<String> live = server.get("/health/live");
      assertThat(live.statusCode()).isEqualTo(200);
      assertThat(live.body()).isEqualTo("{\"status\":\"UP\"}");
      assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
      assertThat(server.post("/health/ready", "text/plain", "x").statusCode()).isEqualTo(405);
      assertThat(server.get("/health/live/more").statusCode()).isEqualTo(404);
      assertThat(server.server.health().status()).isEqualTo(Health.Status.UP);
    }
  }

  /** If a remote fails, its breaker opens in all instances: none of them must be removed. */
  @Test
  void readinessIgnoresBreakers() throws Exception {
    try (TestServer server = server();
        Resilience resilience = Resilience.create(server.runtime)) {
      Guard guard = resilience.guard("pricing");
      boolean isOpen = false;
      for (int i = 0; i < 200 && !isOpen; i++) {
        isOpen = failedCall(guard).refusal().equals(Optional.of(Refusal.BREAKER));
      }
      assertThat(isOpen).isTrue();
      assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
      assertThat(server.server.health().status()).isEqualTo(Health.Status.UP);
    }
  }

  private static CallException failedCall(Guard guard) {
    return catchThrowableOfType(
        CallException.class,
        () ->
            guard
                .operation("quote", Idempotency.NON_IDEMPOTENT)
                .call(
                    attempt -> {
                      throw new IOException("reset");
                    }));
  }

  @Test
  void drainFinishesWhatIsInFlightAndRefusesTheRest() throws Exception {
    try (TestServer server = server();
        Socket kept = server.connect()) {
      TestServer.write(kept, "GET /works HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(TestServer.read(kept).get(0)).contains("204");
      CompletableFuture<HttpResponse<String>> running = begin(server, "/slow");
      assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(server.server.drain(Duration.ofMillis(20))).isFalse();

      assertThat(server.get("/health/ready").statusCode()).isEqualTo(503);
      assertThat(server.get("/health/live").statusCode()).isEqualTo(200);
      assertThat(server.server.health().status()).isEqualTo(Health.Status.DOWN);
      HttpResponse<String> refused = server.get("/works");
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.headers().firstValue("Retry-After")).contains("1");
      assertThat(refused.headers().firstValue("Connection")).contains("close");
      assertThat(TestServer.text(refused)).isEqualTo("COMMS-HTTP-112: the server is stopping");
      TestServer.write(kept, "GET /works HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(TestServer.read(kept).get(0)).contains("503");
      assertThat(kept.getInputStream().read()).isEqualTo(-1);

      CompletableFuture<Boolean> drained = new CompletableFuture<>();
      server
          .runtime
          .newThread("drain", () -> drained.complete(server.server.drain(Duration.ofSeconds(20))))
          .start();
      go.countDown();
      assertThat(drained.get(20, TimeUnit.SECONDS)).isTrue();
      HttpResponse<String> last = running.get(20, TimeUnit.SECONDS);
      assertThat(last.statusCode()).isEqualTo(201);
      assertThat(last.headers().firstValue("Connection")).contains("close");
    }
  }

  @Test
  void closeInterruptsHandlersAndIsBounded() throws Exception {
    TestServer server = server();
    CompletableFuture<HttpResponse<String>> running = begin(server, "/slow");
    assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
    int port = server.server.port();
    long begin = System.nanoTime();
    server.close();
    server.server.close();
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
    Await.until("the handler has ended", () -> server.routes.inFlight() == 0);
    Await.until("the caller is told", running::isDone);
    assertThatThrownBy(() -> new Socket("127.0.0.1", port).close()).isInstanceOf(IOException.class);
    assertThatIllegalStateException().isThrownBy(server.server::start);
    assertThatIllegalStateException().isThrownBy(server.server::port);
  }

  @Test
  void aPortThatIsTakenIsNamed() {
    try (TestServer server = server()) {
      int taken = server.server.port();
      HttpServerComponent second =
          HttpServerComponent.builder("second", server.routes, server.runtime)
              .host("127.0.0.1")
              .port(taken)
              .build();
      assertThatThrownBy(second::start)
          .isInstanceOfSatisfying(
              HttpServerException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
          .hasMessageStartingWith(
              "COMMS-HTTP-115: can't listen on /127.0.0.1:" + taken + ": java.net.BindException");
    }
  }

  @Test
  void aSecondStartChangesNothing() throws Exception {
    try (TestServer server = server()) {
      assertThatIllegalStateException().isThrownBy(server.server::start);
      assertThat(server.get("/works").statusCode()).isEqualTo(204);
    }
  }

  @Test
  void aSubscriptionMayHaveTheNameOfTheServer() {
    try (TestServer server = server()) {
      assertThat(server.server.name()).isEqualTo("http-test");
      Lifecycle.builder()
          .server(server.server)
          .subscription("test", () -> fail("is not started"))
          .build();
    }
  }

  @Test
  void aLifecycleStartsAndDrainsIt() throws Exception {
    try (TestServer other = server()) {
      HttpRoutes routes =
          HttpRoutes.builder(other.runtime)
              .route("GET /works", request -> HttpAnswer.noContent())
              .build();
      HttpServerComponent component =
          HttpServerComponent.builder("orders", routes, other.runtime)
              .host("127.0.0.1")
              .executor(task -> other.runtime.newThread("own", task).start())
              .livePath("/live")
              .readyPath("/ready")
              .build();
      Lifecycle lifecycle = Lifecycle.builder().server(component).build();
      lifecycle.start();
      try (Socket socket = new Socket("127.0.0.1", component.port())) {
        TestServer.write(socket, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
        assertThat(TestServer.read(socket)).contains("{\"status\":\"UP\"}");
      }
      assertThat(lifecycle.drain(Duration.ofSeconds(5))).isTrue();
      lifecycle.close();
      assertThat(component.health().status()).isEqualTo(Health.Status.DOWN);
    }
  }

  /** Handlers that hang, fail, throw errors and leave interrupts, called by 200 clients at once. */
  @Test
  void everyOneOfTwoHundredClientsGetsAnAnswer() throws Exception {
    AtomicInteger number = new AtomicInteger();
    try (TestServer server =
        new TestServer(
            routes ->
                routes
                    .maxInFlight(64)
                    .route("GET /any", request -> any(number.incrementAndGet() % 6))
                    .route("GET /works", request -> HttpAnswer.noContent()))) {
      List<Thread> clients = new ArrayList<>();
      AtomicInteger answers = new AtomicInteger();
      AtomicInteger others = new AtomicInteger();
      for (int i = 0; i < 200; i++) {
        Thread client =
            server.runtime.newThread(
                "client",
                () -> {
                  for (int call = 0; call < 5; call++) {
                    boolean known = call(server);
                    (known ? answers : others).incrementAndGet();
                  }
                });
        clients.add(client);
        client.start();
      }
      for (Thread client : clients) {
        client.join();
      }
      assertThat(answers).hasValue(1_000);
      assertThat(others).hasValue(0);
      Await.until("nothing in flight", () -> server.routes.inFlight() == 0);
      for (int i = 0; i < 64; i++) {
        assertThat(server.get("/works").statusCode()).isEqualTo(204);
      }
    }
  }

  private static boolean call(TestServer server) {
    try (Socket socket = server.connect()) {
      TestServer.write(socket, "GET /any HTTP/1.1\r\nHost: x\r\nX-Request-Timeout-Ms: 100\r\n\r\n");
      List<String> answer = TestServer.read(socket);
      return !answer.isEmpty()
          && List.of("204", "500", "503", "504").contains(answer.get(0).substring(9, 12));
    } catch (IOException e) {
      return false;
    }
  }

  private static HttpAnswer any(int kind) throws Exception {
    switch (kind) {
      case 0 -> new CountDownLatch(1).await();
      case 1 -> throw new OutOfMemoryError("planted");
      case 2 -> throw new AssertionError("planted");
      case 3 -> throw new InterruptedException("planted");
      case 4 -> Thread.currentThread().interrupt();
      default -> throw new IllegalStateException("planted");
    }
    return HttpAnswer.noContent();
  }
}
