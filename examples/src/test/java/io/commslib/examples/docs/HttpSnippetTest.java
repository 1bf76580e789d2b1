package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.commslib.core.call.Idempotency;
import io.commslib.core.codec.Codec;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.CallKey;
import io.commslib.http.Endpoints;
import io.commslib.http.HttpCall;
import io.commslib.http.HttpCalls;
import io.commslib.http.HttpService;
import io.commslib.jackson.JacksonCodec;
import io.commslib.resilience.Resilience;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** The code of docs/http.md. */
class HttpSnippetTest {

  /** A price. */
  public record Price(int cents) {}

  /** A charge. */
  public record Charge(int cents) {}

  /** A receipt. */
  public record Receipt(int cents) {}

  // snippet: http-typed
  /** A typed client. */
  public interface Prices {
    /** Returns a price. */
    @HttpCall("GET /prices/{article}?currency={currency}")
    Price of(String article, String currency);

    /** Charges a sum. */
    @HttpCall(value = "POST /charges", idempotency = Idempotency.KEYED)
    Receipt charge(@CallKey String orderId, Charge charge);
  }

  // end

  private static long copy(InputStream body, OutputStream file) throws IOException {
    return body.transferTo(file);
  }

  @Test
  void aServiceIsCalled() throws Exception {
    List<String> requests = new CopyOnWriteArrayList<>();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          requests.add(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI()
                  + " "
                  + exchange.getRequestHeaders().containsKey("Idempotency-Key"));
          exchange.getRequestBody().readAllBytes();
          byte[] body = "{\"cents\":255}".getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    Codec json = JacksonCodec.create();
    String article = "85123A";
    String orderId = "order-7";
    Charge charge = new Charge(255);
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime)) {
      // snippet: http
      HttpService prices = HttpService.builder("pricing", uri).codec(json).build(resilience);
      Price price = prices.get("/prices/{article}", article).as(Price.class);
      prices.post("/charges").key(orderId).body(charge).send();
      // end
      assertThat(price).isEqualTo(new Price(255));
      URI one = uri;
      URI two = URI.create("http://localhost:" + uri.getPort());
      // snippet: http-endpoints
      HttpService stock =
          HttpService.builder("stock", Endpoints.of(List.of(one, two))).build(resilience);
      // end
      assertThat(stock.get("/stock").reply().status()).isEqualTo(200);
      HttpService exports = prices;
      String day = "2026-12-01";
      OutputStream file = OutputStream.nullOutputStream();
      // snippet: http-stream
      long rows = exports.get("/orders/{day}", day).stream(body -> copy(body, file));
      // end
      assertThat(rows).isEqualTo(13);
      // snippet: http-protect
      HttpClient client = HttpCalls.protect(HttpClient.newHttpClient(), resilience);
      // end
      HttpRequest request = HttpRequest.newBuilder(URI.create(uri + "/plain")).build();
      assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode())
          .isEqualTo(200);
      Prices typed = prices.client(Prices.class);
      assertThat(typed.of(article, "GBP")).isEqualTo(price);
      assertThat(typed.charge(orderId, charge)).isEqualTo(new Receipt(255));
    } finally {
      server.stop(0);
    }
    assertThat(requests)
        .containsExactly(
            "GET /prices/85123A false",
            "POST /charges true",
            "GET /stock false",
            "GET /orders/2026-12-01 false",
            "GET /plain false",
            "GET /prices/85123A?currency=GBP false",
            "POST /charges true");
  }
}
