package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.resilience.AdaptiveLimiter;
import io.commslib.resilience.AdaptiveLimiterConfig;
import io.commslib.resilience.Resilience;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;

/** The code of the server in docs/http.md. */
class HttpServerSnippetTest {

  private record Order(String id, int pieces) {}

  private static HttpAnswer accepted(Order order) {
    return HttpAnswer.accepted().withHeader("Location", "/v1/orders/" + order.id());
  }

  private static Order find(String id) {
    return new Order(id, 3);
  }

  /** A label. */
  record Label(String text) {}

  private final List<String> printed = new CopyOnWriteArrayList<>();

  @Test
  void aLimiterBoundsHandlers() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      // snippet: http-limiter
      HttpRoutes routes =
          HttpRoutes.builder(runtime)
              .limiter(AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), runtime))
              .route("GET /v1/orders/{id}", request -> HttpAnswer.ok(find(request.variable("id"))))
              .build();
      // end
      assertThat(routes.refused()).isZero();
    }
  }

  @Test
  void callsEndAfterTheirHandlers() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      Resilience resilience = Resilience.create(runtime);
      HttpRoutes routes =
          HttpRoutes.builder(runtime)
              .route("GET /v1/orders", request -> HttpAnswer.of(404))
              .build();
      HttpServerComponent server = HttpServerComponent.builder("orders", routes, runtime).build();
      // snippet: calls-lifecycle
      Lifecycle lifecycle = Lifecycle.builder().server(server).calls(resilience).build();
      // end
      lifecycle.start();
      assertThat(lifecycle.health().components()).containsKeys("http-orders", "calls");
      assertThat(lifecycle.drain(Duration.ofSeconds(5))).isTrue();
      assertThat(resilience.health().status()).isEqualTo(Health.Status.DOWN);
      lifecycle.close();
    }
  }

  @Test
  void aServerAnswers() throws IOException, InterruptedException {
    int port = 0;
    Instant since = Instant.parse("2026-12-01T00:00:00Z");
    Instant removedOn = Instant.parse("2027-12-01T00:00:00Z");
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      // snippet: http-server
      HttpRoutes routes =
          HttpRoutes.builder(runtime)
              .codec(JacksonCodec.create())
              .route("POST /v1/orders", Order.class, (request, order) -> accepted(order))
              .route("GET /v1/orders/{id}", request -> HttpAnswer.ok(find(request.variable("id"))))
              .deprecated("/v1", since, removedOn)
              .build();
      HttpServerComponent server =
          HttpServerComponent.builder("orders", routes, runtime).port(port).build();
      Lifecycle lifecycle = Lifecycle.builder().server(server).build();
      lifecycle.start();
      // end
      HttpClient client = HttpClient.newHttpClient();
      HttpResponse<String> posted =
          client.send(
              request(server, "/v1/orders")
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString("{\"id\":\"7\",\"pieces\":3}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(posted.statusCode()).isEqualTo(202);
      assertThat(posted.headers().firstValue("Sunset")).contains("Wed, 01 Dec 2027 00:00:00 GMT");
      String location = posted.headers().firstValue("Location").orElseThrow();
      HttpResponse<String> read =
          client.send(request(server, location).build(), HttpResponse.BodyHandlers.ofString());
      assertThat(read.body()).isEqualTo("{\"id\":\"7\",\"pieces\":3}");
      assertThat(lifecycle.drain(Duration.ofSeconds(5))).isTrue();
      lifecycle.close();
    }
  }

  private HttpAnswer print(Label label) {
    printed.add(label.text());
    return HttpAnswer.noContent();
  }

  private static HttpAnswer place(TransactionContext tx, Order order) {
    assertThat(tx.isRollbackOnly()).isFalse();
    return HttpAnswer.accepted().withBody(order);
  }

  @Test
  void requestsTakeEffectOnce() throws Exception {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL("jdbc:h2:mem:keyed-routes;DB_CLOSE_DELAY=-1;WRITE_DELAY=0");
    JdbcDatabase database = JdbcDatabase.builder(source).build();
    InboxSchema.scripts().apply(database);
    TransactionRunner transactions = JdbcTransactionRunner.create(database);
    IdempotentRequests requests =
        IdempotentRequests.builder(
                JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
            .build();
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      // snippet: http-keyed
      HttpRoutes routes =
          HttpRoutes.builder(runtime)
              .codec(JacksonCodec.create())
              .idempotency(requests, request -> request.header("X-Client").orElse("unknown"))
              .keyed("POST /v1/labels", Label.class, (request, label) -> print(label))
              .transactional(
                  "POST /v1/orders",
                  Order.class,
                  transactions,
                  (request, order, tx) -> place(tx, order))
              .build();
      // end
      HttpServerComponent server =
          HttpServerComponent.builder("keyed", routes, runtime).host("127.0.0.1").build();
      server.start();
      for (int i = 0; i < 2; i++) {
        assertThat(post(server, "/v1/labels", "{\"text\":\"a\"}")).isEqualTo(204);
        assertThat(post(server, "/v1/orders", "{\"id\":\"7\",\"pieces\":3}")).isEqualTo(202);
      }
      assertThat(printed).containsExactly("a");
      server.close();
    }
  }

  private static int post(HttpServerComponent server, String path, String body) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            request(server, path)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", "k")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  private static HttpRequest.Builder request(HttpServerComponent server, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }
}
