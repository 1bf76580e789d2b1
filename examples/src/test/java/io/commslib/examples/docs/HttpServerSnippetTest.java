package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.jackson.JacksonCodec;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
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

  private static HttpRequest.Builder request(HttpServerComponent server, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }
}
