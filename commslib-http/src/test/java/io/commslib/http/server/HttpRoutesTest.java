package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.call.CallContext;
import io.commslib.http.Problem;
import io.commslib.jackson.JacksonCodec;
import io.commslib.testkit.Await;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpRoutesTest {

  record Order(String article, int pieces) {}

  record Accepted(String id) {}

  private static final String SECRET = "hunter2";

  private final AtomicInteger runs = new AtomicInteger();
  private final AtomicReference<CallContext> seen = new AtomicReference<>();

  private final TestServer server =
      new TestServer(
          routes ->
              routes
                  .codec(JacksonCodec.create())
                  .maxBodyBytes(1_000)
                  .route("POST /v1/orders", Order.class, (request, order) -> accepted(order))
                  .route("PUT /v1/files/{name}", byte[].class, (request, bytes) -> echo(bytes))
                  .route("GET /v1/orders/{id}", request -> text(request.variable("id")))
                  .route("GET /v1/orders/latest", request -> text("the latest"))
                  .route("DELETE /v1/orders/{id}", request -> HttpAnswer.noContent())
                  .route("GET /v1/orders/{id}/summary", request -> seen())
                  .route("GET /v1/search", request -> text(request.query("q").orElse("none")))
                  .route(
                      "GET /v2/head/{value}",
                      request ->
                          HttpAnswer.noContent().withHeader("X-Value", request.query("v").get()))
                  .route("GET /v2/problem", request -> problem())
                  .deprecated(
                      "/v1",
                      Instant.parse("2026-01-02T03:04:05Z"),
                      Instant.parse("2027-02-03T04:05:06Z")));

  @AfterEach
  void theNextRequestWorks() throws Exception {
    try (server) {
      HttpResponse<String> next = server.get("/v1/orders/7");
      assertThat(next.statusCode()).isEqualTo(200);
      assertThat(next.body()).isEqualTo("7");
      Await.until("nothing in flight", () -> server.routes.inFlight() == 0);
    }
  }

  private HttpAnswer accepted(Order order) {
    runs.incrementAndGet();
    return HttpAnswer.accepted().withBody(new Accepted(order.article() + "-" + order.pieces()));
  }

  private static HttpAnswer echo(byte[] bytes) {
    return HttpAnswer.of(200).withBytes("application/octet-stream", bytes);
  }

  private static HttpAnswer text(String text) {
    return HttpAnswer.of(200)
        .withBytes("text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
  }

  private HttpAnswer seen() {
    runs.incrementAndGet();
    seen.set(CallContext.current());
    return HttpAnswer.ok(
        Map.of("remaining", CallContext.current().remainingNanos(Long.MAX_VALUE) / 1_000_000));
  }

  private static HttpAnswer problem() {
    throw new ProblemException(
        Problem.builder(409).code("STOCK-7").retryAfter(Duration.ofMillis(1_001)).build());
  }

  @Test
  void decodesTheBodyAndEncodesTheAnswer() throws Exception {
    HttpResponse<String> answer =
        server.post(
            "/v1/orders", "application/json; charset=utf-8", "{\"article\":\"tea\",\"pieces\":3}");
    assertThat(answer.statusCode()).isEqualTo(202);
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
    assertThat(answer.body()).isEqualTo("{\"id\":\"tea-3\"}");
  }

  @Test
  void aTextOfATemplateGoesBeforeAVariable() throws Exception {
    assertThat(server.get("/v1/orders/latest").body()).isEqualTo("the latest");
    assertThat(server.get("/v1/orders/latest2").body()).isEqualTo("latest2");
  }

  @Test
  void anEncodedSlashBelongsToTheValue() throws Exception {
    assertThat(server.get("/v1/orders/a%2Fb").body()).isEqualTo("a/b");
    assertThat(server.get("/v1/orders/a%2fsummary").body()).isEqualTo("a/summary");
    assertThat(server.get("/v1/orders/caf%C3%A9+x").body()).isEqualTo("caf\u00e9+x");
    assertThat(server.get("/v1/orders/a/b").statusCode()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"%0d%0aX", "%00", "%C3", "%2e%2e", "..", "."})
  void aMalformedValueIsRefused(String value) throws Exception {
    try (java.net.Socket socket = server.connect()) {
      TestServer.write(socket, "GET /v1/orders/" + value + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(TestServer.read(socket).get(0)).contains("400");
    }
  }

  @Test
  void thePathIsMalformed() throws Exception {
    HttpResponse<String> answer = server.get("/v1/orders/%FF");
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(TestServer.text(answer))
        .isEqualTo(
            "COMMS-HTTP-113: path: malformed (expected: percent-encoded UTF-8 without control"
                + " characters and dots)");
    assertThat(server.get("/v1/search?q=%FF").statusCode()).isEqualTo(400);
    assertThat(server.get("/v1/search?a=1&q=x+y%26&q=z").body()).isEqualTo("x y&");
  }

  @Test
  void anUnknownPathIsNotFound() throws Exception {
    HttpResponse<String> answer = server.get("/v1/" + SECRET);
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.headers().firstValue("Content-Type")).contains(Problem.MEDIA_TYPE);
    assertThat(TestServer.text(answer))
        .isEqualTo("COMMS-HTTP-101: path: no route (expected: a path of this server)");
    assertThat(TestServer.problem(answer).isRetryable()).isFalse();
    assertThat(server.get("/v1/orders/").statusCode()).isEqualTo(404);
    assertThat(server.get("/").statusCode()).isEqualTo(404);
  }

  @Test
  void anotherMethodIsNotAllowed() throws Exception {
    HttpResponse<String> answer = server.post("/v1/orders/7", "application/json", SECRET);
    assertThat(answer.statusCode()).isEqualTo(405);
    assertThat(answer.headers().firstValue("Allow")).contains("DELETE, GET, HEAD, OPTIONS");
    assertThat(answer.body()).doesNotContain(SECRET);
    assertThat(TestServer.text(answer))
        .isEqualTo(
            "COMMS-HTTP-102: method: not of this path (expected: DELETE, GET, HEAD, OPTIONS)");
  }

  @Test
  void headAndOptionsAreAnswered() throws Exception {
    HttpResponse<String> head =
        server.send(
            server
                .request("/v1/orders/1234567")
                .method("HEAD", HttpRequest.BodyPublishers.noBody()));
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.headers().firstValue("Content-Length")).contains("7");
    assertThat(head.body()).isEmpty();
    HttpResponse<String> options =
        server.send(
            server.request("/v1/orders/7").method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
    assertThat(options.statusCode()).isEqualTo(204);
    assertThat(options.headers().firstValue("Allow")).contains("DELETE, GET, HEAD, OPTIONS");
  }

  @Test
  void aBodyOverTheBoundIsRefused() throws Exception {
    String large = "{\"article\":\"" + SECRET.repeat(1_000) + "\",\"pieces\":3}";
    HttpResponse<String> answer = server.post("/v1/orders", "application/json", large);
    assertThat(answer.statusCode()).isEqualTo(413);
    assertThat(answer.body()).doesNotContain(SECRET);
    assertThat(TestServer.text(answer))
        .isEqualTo(
            "COMMS-HTTP-103: body: too large (expected: at most 1000 bytes, the server's"
                + " maxBodyBytes)");
    assertThat(chunked(1_001).statusCode()).isEqualTo(413);
    assertThat(chunked(1_000).statusCode()).isEqualTo(200);
    assertThat(runs).hasValue(0);
  }

  /** A body without an announced length. */
  private HttpResponse<String> chunked(int bytes) throws Exception {
    return server.send(
        server
            .request("/v1/files/a")
            .PUT(
                HttpRequest.BodyPublishers.ofInputStream(
                    () -> new java.io.ByteArrayInputStream(new byte[bytes]))));
  }

  @Test
  void anotherMediaTypeIsRefused() throws Exception {
    HttpResponse<String> answer = server.post("/v1/orders", "text/" + SECRET, "{}");
    assertThat(answer.statusCode()).isEqualTo(415);
    assertThat(TestServer.text(answer))
        .isEqualTo(
            "COMMS-HTTP-104: Content-Type: not supported (expected: application/json without"
                + " Content-Encoding)");
    HttpResponse<String> none =
        server.send(server.request("/v1/orders").POST(HttpRequest.BodyPublishers.ofString("{}")));
    assertThat(none.statusCode()).isEqualTo(415);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "[]", "{\"article\":\"hunter2\",\"pieces\":\"x\"}", "hunter2"})
  void aMalformedBodyIsRefusedWithoutItsContent(String body) throws Exception {
    HttpResponse<String> answer = server.post("/v1/orders", "application/json", body);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).doesNotContain(SECRET);
    assertThat(TestServer.text(answer))
        .isEqualTo(
            "COMMS-HTTP-105: body: malformed (expected: application/json of this operation)");
    assertThat(runs).hasValue(0);
  }

  @ParameterizedTest
  @CsvSource({
    "X-Request-Timeout-Ms, 5000, 5000",
    "X-Request-Timeout-Ms, 1000000000000000, 60000",
    "X-Request-Timeout-Ms, 99999999999999999999999999, 60000",
    "x-envoy-expected-rq-timeout-ms, 00004000, 4000",
    "grpc-timeout, 3S, 3000",
    "grpc-timeout, 99999999H, 60000",
    "grpc-timeout, 2500000u, 2500",
    "X-None, 1, 60000"
  })
  void theHandlerRunsUnderTheDeadlineOfItsCaller(String header, String value, long millis)
      throws Exception {
    HttpResponse<String> answer = server.get("/v1/orders/7/summary", header, value);
    assertThat(answer.statusCode()).isEqualTo(200);
    long remaining = Long.parseLong(answer.body().replaceAll("[^0-9]", ""));
    assertThat(remaining).isBetween(millis - 2_000, millis);
  }

  @Test
  void theShortestOfSeveralDeadlinesCounts() throws Exception {
    HttpResponse<String> answer =
        server.get(
            "/v1/orders/7/summary", "X-Request-Timeout-Ms", "50000", "grpc-timeout", "4000m");
    assertThat(Long.parseLong(answer.body().replaceAll("[^0-9]", ""))).isBetween(2_000L, 4_000L);
  }

  @ParameterizedTest
  @CsvSource({
    "X-Request-Timeout-Ms, soon",
    "X-Request-Timeout-Ms, -5",
    "X-Request-Timeout-Ms, 5.5",
    "grpc-timeout, 123456789S",
    "grpc-timeout, 5s",
    "grpc-timeout, SS",
    "x-envoy-expected-rq-timeout-ms, 5ms"
  })
  void aMalformedDeadlineIsRefused(String header, String value) throws Exception {
    HttpResponse<String> answer = server.get("/v1/orders/7/summary", header, value);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).doesNotContain(value);
    assertThat(TestServer.problem(answer).code()).contains("COMMS-HTTP-106");
    assertThat(runs).hasValue(0);
  }

  @Test
  void theTextOfAMalformedDeadline() throws Exception {
    assertThat(TestServer.text(server.get("/v1/orders/7", "X-Request-Timeout-Ms", "soon")))
        .isEqualTo(
            "COMMS-HTTP-106: X-Request-Timeout-Ms: malformed (expected: milliseconds, 1 to 32"
                + " digits)");
  }

  @Test
  void anExpiredRequestDoesNotRunItsHandler() throws Exception {
    HttpResponse<String> answer = server.get("/v1/orders/7/summary", "X-Request-Timeout-Ms", "0");
    assertThat(answer.statusCode()).isEqualTo(504);
    assertThat(TestServer.text(answer))
        .isEqualTo(
            "COMMS-HTTP-107: the time of the request was over before its handler began; nothing"
                + " was done");
    assertThat(runs).hasValue(0);
  }

  @Test
  void traceBaggageAndAttemptReachTheHandler() throws Exception {
    String parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    server.get(
        "/v1/orders/7/summary",
        "traceparent",
        parent,
        "tracestate",
        "a=1",
        "baggage",
        "tenant=caf%C3%A9;p=1, broken, user=7",
        "X-Request-Attempt",
        "2");
    assertThat(seen.get().traceparent()).contains(parent);
    assertThat(seen.get().tracestate()).contains("a=1");
    assertThat(seen.get().baggage()).isEqualTo(Map.of("tenant", "caf\u00e9", "user", "7"));
    assertThat(seen.get().attempt()).isEqualTo(2);
  }

  @Test
  void malformedTracesAreLeftOut() throws Exception {
    HttpResponse<String> answer =
        server.get(
            "/v1/orders/7/summary",
            "traceparent",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "baggage",
            "=;,,%,a=%zz," + "b=c,".repeat(2_000),
            "X-Request-Attempt",
            "-1");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(seen.get().traceparent()).isEmpty();
    assertThat(seen.get().baggage()).isEqualTo(Map.of("b", "c"));
    assertThat(seen.get().attempt()).isEqualTo(1);
  }

  @Test
  void answersOfADeprecatedPathStateIt() throws Exception {
    for (String path : new String[] {"/v1/orders/7", "/v1/search?q=%FF"}) {
      HttpResponse<String> answer = server.get(path);
      assertThat(answer.headers().firstValue("Deprecation")).contains("@1767323045");
      assertThat(answer.headers().firstValue("Sunset")).contains("Wed, 03 Feb 2027 04:05:06 GMT");
    }
    assertThat(server.get("/v2/problem").headers().firstValue("Deprecation")).isEmpty();
  }

  @Test
  void aProblemOfTheHandlerReachesTheCallerAndTheWaitIsRoundedUp() throws Exception {
    HttpResponse<String> answer = server.get("/v2/problem");
    assertThat(answer.statusCode()).isEqualTo(409);
    assertThat(TestServer.problem(answer).code()).contains("STOCK-7");
    assertThat(answer.headers().firstValue("Retry-After")).contains("2");
  }

  @Test
  void aLineEndInAHeaderOfTheAnswerIsRefused() throws Exception {
    HttpResponse<String> answer = server.get("/v2/head/x?v=ok");
    assertThat(answer.headers().firstValue("X-Value")).contains("ok");
    assertThatThrownBy(() -> HttpAnswer.noContent().withHeader("X-Value", "a\r\nSet-Cookie: b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("header value: 'a??Set-Cookie: b' (expected: no control characters)");
    assertThatThrownBy(() -> HttpAnswer.noContent().withHeader("X\r\nY", "a"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> HttpAnswer.noContent().withHeader("Content-Length", "1"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "GET /a/{x}, GET /a/{y}",
    "GET /a/{x}/c, GET /a/b/{y}",
    "GET /a, GET /a",
    "POST /{x}/b, POST /a/{y}"
  })
  void ambiguousTemplatesAreRefused(String first, String second) {
    HttpRoutes.Builder routes =
        HttpRoutes.builder(server.runtime)
            .route(first, request -> HttpAnswer.noContent())
            .route(second, request -> HttpAnswer.noContent());
    assertThatThrownBy(routes::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("route: " + second + " (expected: no path that also matches " + first + ")");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a",
        "GET a",
        "GET  /a",
        "HEAD /a",
        "get /a",
        "GET /a/",
        "GET /{a}/{a}",
        "GET /a{b}",
        "GET /..",
        "GET /%41",
        "GET /a?b",
        "GET /{1}"
      })
  void malformedTemplatesAreRefused(String template) {
    HttpRoutes.Builder routes = HttpRoutes.builder(server.runtime);
    assertThatThrownBy(() -> routes.route(template, request -> HttpAnswer.noContent()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("route: ");
  }

  @Test
  void whatDoesNotExistIsNotFound() {
    assertThat(HttpAnswer.okOrNotFound(Optional.of("here")).status()).isEqualTo(200);
    assertThat(HttpAnswer.okOrNotFound(Optional.of("here")).body()).isEqualTo("here");
    assertThat(HttpAnswer.okOrNotFound(Optional.empty()).status()).isEqualTo(404);
    assertThat(HttpAnswer.okOrNotFound(Optional.empty()).body()).isNull();
  }

  @Test
  void settingsAreChecked() {
    HttpRoutes.Builder routes = HttpRoutes.builder(server.runtime);
    assertThatThrownBy(() -> routes.maxInFlight(-3))
        .hasMessage("maxInFlight: -3 (expected: 1..100000)");
    assertThatThrownBy(() -> routes.maxTimeout(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> routes.deprecated("/v9", Instant.EPOCH, Instant.EPOCH).build())
        .hasMessage("prefix: /v9 (expected: the beginning of a route's path)");
    assertThatThrownBy(
            () ->
                HttpRoutes.builder(server.runtime)
                    .route("POST /a", Order.class, (request, order) -> HttpAnswer.noContent())
                    .build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("codec");
  }
}
