package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.call.Idempotency;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.StubServer.Answer;
import io.commslib.jackson.JacksonCodec;
import io.commslib.resilience.Resilience;
import java.net.URI;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TypedClientTest {

  /** A price. */
  public record Price(String article, int cents) {}

  /** A client as users declare it. */
  public interface Prices {
    @HttpCall("GET /prices/{article}?currency={currency}")
    Price of(String article, String currency);

    @HttpCall("GET /prices/{article}")
    Optional<Price> find(String article);

    @HttpCall(value = "POST /prices", idempotency = Idempotency.KEYED)
    void add(Price price);

    @HttpCall(value = "POST /prices/{article}", idempotency = Idempotency.KEYED)
    void addOnce(String article, @CallKey String id, Price price);

    @HttpCall("PUT /prices/{article}")
    HttpReply replace(String article, Price price);

    /** A method of the interface's own. */
    default int cents(String article) {
      return of(article, "GBP").cents();
    }
  }

  private final SystemRuntime runtime = SystemRuntime.create();
  private final Resilience resilience = Resilience.create(runtime);

  @AfterEach
  void close() {
    resilience.close();
    runtime.close();
  }

  private HttpService service(URI uri) {
    return HttpService.builder("pricing", uri).codec(JacksonCodec.create()).build(resilience);
  }

  @Test
  void eachMethodIsACall() throws Exception {
    try (StubServer server =
        new StubServer(
            request ->
                request.path().equals("/prices/none")
                    ? Answer.empty(404)
                    : request.method().equals("GET")
                        ? Answer.json(200, "{\"article\":\"a\",\"cents\":7}")
                        : Answer.empty(204))) {
      Prices prices = service(server.uri()).client(Prices.class);
      assertThat(prices.of("a/b", "GBP")).isEqualTo(new Price("a", 7));
      assertThat(prices.find("a")).contains(new Price("a", 7));
      assertThat(prices.find("none")).isEmpty();
      prices.add(new Price("a", 1));
      assertThat(prices.replace("a", new Price("a", 2)).status()).isEqualTo(204);
      assertThat(prices.cents("a")).isEqualTo(7);
      assertThat(server.requests.stream().map(each -> each.method() + " " + each.path()))
          .containsExactly(
              "GET /prices/a%2Fb?currency=GBP",
              "GET /prices/a",
              "GET /prices/none",
              "POST /prices",
              "PUT /prices/a",
              "GET /prices/a?currency=GBP");
      assertThat(server.requests.get(3).header("Idempotency-Key")).isNotEmpty();
      assertThat(server.requests.get(3).body()).isEqualTo("{\"article\":\"a\",\"cents\":1}");
      assertThat(server.requests.get(4).header("Idempotency-Key")).isEmpty();
      assertThat(prices).hasToString("Prices of HttpService{pricing, " + server.uri() + "}");
      assertThat(new HashSet<>(List.of(prices, service(server.uri()).client(Prices.class))))
          .hasSize(2)
          .contains(prices);
    }
  }

  @Test
  void aKeyOfTheCallerIsSent() throws Exception {
    try (StubServer server = new StubServer(request -> Answer.empty(204))) {
      Prices prices = service(server.uri()).client(Prices.class);
      prices.addOnce("a", "order-7", new Price("a", 1));
      StubServer.Received request = server.requests.get(0);
      assertThat(request.path()).isEqualTo("/prices/a");
      assertThat(request.header("Idempotency-Key")).isEqualTo("\"order-7\"");
      assertThat(request.body()).isEqualTo("{\"article\":\"a\",\"cents\":1}");
      assertThatThrownBy(() -> prices.addOnce("a", "", new Price("a", 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("idempotencyKey");
      assertThat(server.requests).hasSize(1);
    }
  }

  /** Would be sent without its key. */
  public interface KeyOfNone {
    @HttpCall("POST /prices")
    void add(@CallKey String id, Price price);
  }

  /** Is no text. */
  public interface NumericKey {
    @HttpCall(value = "POST /prices", idempotency = Idempotency.KEYED)
    void add(@CallKey Long id, Price price);
  }

  /** Has one too many. */
  public interface TwoKeys {
    @HttpCall(value = "POST /prices", idempotency = Idempotency.KEYED)
    void add(@CallKey String id, @CallKey String other, Price price);
  }

  /** Lacks the annotation. */
  public interface NoCall {
    void of(String article);
  }

  /** Has a variable without a parameter. */
  public interface TooFew {
    @HttpCall("GET /prices/{article}")
    Price of();
  }

  /** Has no method in its annotation. */
  public interface NoMethod {
    @HttpCall("/prices")
    Price of();
  }

  /** Would be filled with maps. */
  public interface Generic {
    @HttpCall("GET /prices")
    List<Price> all();
  }

  /** Would be sent twice by the JDK. */
  public interface SentTwice {
    @HttpCall(value = "GET /prices", idempotency = Idempotency.NON_IDEMPOTENT)
    Price of();
  }

  /** Is primitive. */
  public interface Primitive {
    @HttpCall("GET /count")
    int count();
  }

  @Test
  void anInterfaceIsCheckedWhenTheClientIsMade() {
    HttpService service = service(URI.create("http://127.0.0.1:1"));
    assertThatThrownBy(() -> service.client(NoCall.class))
        .hasMessage("NoCall.of: no @HttpCall (expected: each method has one)");
    assertThatThrownBy(() -> service.client(TooFew.class))
        .hasMessage(
            "TooFew.of: 0 parameters (expected: 1 for the variables of the template, and one more"
                + " for a body)");
    assertThatThrownBy(() -> service.client(NoMethod.class))
        .hasMessage("NoMethod.of: /prices (expected: METHOD /template)");
    assertThatThrownBy(() -> service.client(Generic.class)).hasMessageContaining("type parameters");
    assertThatThrownBy(() -> service.client(Primitive.class))
        .hasMessageContaining("Primitive.count: int");
    assertThatThrownBy(() -> service.client(SentTwice.class))
        .hasMessageStartingWith("SentTwice.of: NON_IDEMPOTENT");
    assertThatThrownBy(() -> service.client(KeyOfNone.class))
        .hasMessage("KeyOfNone.add: NON_IDEMPOTENT (expected: KEYED for @CallKey)");
    assertThatThrownBy(() -> service.client(NumericKey.class))
        .hasMessage("NumericKey.add: @CallKey Long (expected: String)");
    assertThatThrownBy(() -> service.client(TwoKeys.class))
        .hasMessage("TwoKeys.add: two @CallKey (expected: at most one)");
    assertThatThrownBy(() -> service.client(String.class))
        .hasMessage("client: java.lang.String (expected: an interface)");
    HttpService bytes = HttpService.builder("x", URI.create("http://h")).build(resilience);
    assertThatThrownBy(() -> bytes.client(Prices.class)).hasMessageContaining("codec");
  }
}
