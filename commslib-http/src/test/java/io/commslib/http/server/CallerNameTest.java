package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.time.TimeSource;
import io.commslib.http.Problem;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the function of a user that names callers may return and throw. */
class CallerNameTest {

  private static final String SECRET = "hunter2";

  private final AtomicInteger runs = new AtomicInteger();
  private final AtomicReference<Supplier<String>> caller = new AtomicReference<>();
  private final TestServer server =
      new TestServer(
          routes ->
              routes
                  .idempotency(
                      IdempotentRequests.builder(
                              InMemoryIdempotencyStore.create(
                                  TimeSource.system(), Duration.ofMinutes(5), 1_000))
                          .build(),
                      request -> caller.get().get())
                  .keyed(
                      "POST /run",
                      byte[].class,
                      (request, body) -> HttpAnswer.created("/" + runs.incrementAndGet())));

  @AfterEach
  void close() {
    server.close();
  }

  private HttpResponse<String> post(Supplier<String> named) throws Exception {
    caller.set(named);
    return server.send(
        server
            .request("/run")
            .header("Idempotency-Key", "k")
            .POST(BodyPublishers.ofString("body")));
  }

  private String location(String name) throws Exception {
    HttpResponse<String> answer = post(() -> name);
    assertThat(answer.statusCode()).as("%s", name).isEqualTo(201);
    return answer.headers().firstValue("Location").orElseThrow();
  }

  @Test
  void anyNameOfACallerIsItsOwnScope() throws Exception {
    String subject = "CN=service,OU=payments,O=".repeat(20);
    List<String> names =
        List.of(
            "a".repeat(80),
            "a".repeat(81),
            "a".repeat(82),
            subject,
            subject + "2",
            "CN=Jörg Müller",
            "two words",
            "line\nend",
            "half \ud800",
            "half \ud801",
            "nul\0");
    for (int i = 0; i < names.size(); i++) {
      assertThat(location(names.get(i))).isEqualTo("/" + (i + 1));
    }
    for (int i = 0; i < names.size(); i++) {
      assertThat(location(names.get(i))).as("stored").isEqualTo("/" + (i + 1));
    }
  }

  /** Else a caller who chooses its name would read the answers of another one. */
  @Test
  void aNameThatLooksLikeAHashIsAnotherCaller() throws Exception {
    String longName = "a".repeat(81);
    String hash = CallerName.of(request -> longName, request());
    assertThat(hash).startsWith("sha256:").hasSizeLessThanOrEqualTo(CallerName.MAX_CHARS);
    assertThat(location(longName)).isEqualTo("/1");
    assertThat(location(hash)).isEqualTo("/2");
  }

  private static RouteRequest request() {
    return new RouteRequest(new FixedRequest("POST", "/run"), "POST /run", Map.of());
  }

  @Test
  void aFunctionWithoutANameForbidsRepetitionsAndRunsNothing() throws Exception {
    List<Supplier<String>> broken =
        List.of(
            () -> null,
            () -> "",
            () -> " \t",
            () -> {
              throw new IllegalStateException(SECRET);
            },
            () -> {
              throw new AssertionError(SECRET);
            });
    for (Supplier<String> each : broken) {
      HttpResponse<String> answer = post(each);
      assertThat(answer.statusCode()).isEqualTo(500);
      assertThat(answer.body()).doesNotContain(SECRET);
      assertThat(TestServer.problem(answer).isRetryable()).isFalse();
      assertThat(TestServer.text(answer))
          .isEqualTo(
              "COMMS-HTTP-116: the server has no name for the caller, which it needs for the key;"
                  + " nothing was done");
    }
    assertThat(runs).hasValue(0);
    assertThat(location("named")).isEqualTo("/1");
  }

  @Test
  void aFunctionFailsAsAHandlerDoes() throws Exception {
    HttpResponse<String> unknown =
        post(
            () -> {
              throw new ProblemException(Problem.builder(401).code("MINE").build());
            });
    assertThat(unknown.statusCode()).isEqualTo(401);
    HttpResponse<String> outage =
        post(
            () -> {
              throw new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "down", null);
            });
    assertThat(outage.statusCode()).isEqualTo(503);
    assertThat(TestServer.problem(outage).isRetryable()).isTrue();
    HttpResponse<String> noHeap =
        post(
            () -> {
              throw new OutOfMemoryError("no heap");
            });
    assertThat(TestServer.problem(noHeap).code()).contains("COMMS-HTTP-109");
    assertThat(runs).hasValue(0);
  }
}
