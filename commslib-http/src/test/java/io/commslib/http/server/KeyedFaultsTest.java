package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.HttpAnswerException;
import io.commslib.http.HttpService;
import io.commslib.http.ServiceCall;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A client and a server of this library with a proxy between them that resets connections after a
 * random number of bytes, before, within and after requests and answers.
 */
class KeyedFaultsTest {

  /** The faults of a test; 10,000 with {@code -Dcommslib.http.faults=10000}. */
  private static final int FAULTS = Integer.getInteger("commslib.http.faults", 500);

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience =
      Resilience.builder(runtime)
          .defaults(
              CallPolicy.builder()
                  .retry(
                      RetryPolicy.defaults()
                          .withMaxAttempts(5)
                          .withBackoff(
                              Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(2))))
                  .without(CallPolicy.Part.BUDGET)
                  .without(CallPolicy.Part.BREAKER)
                  .build())
          .build();

  /** The effects of each call, by its number. */
  private final Map<String, AtomicInteger> effects = new ConcurrentHashMap<>();

  private final TestServer server =
      new TestServer(
          routes ->
              routes
                  .idempotency(
                      IdempotentRequests.builder(
                              InMemoryIdempotencyStore.create(
                                  runtime.time(), Duration.ofMinutes(5), 100_000))
                          .build(),
                      request -> "test")
                  .keyed("POST /keyed/{id}", byte[].class, (request, body) -> effect(request))
                  .route("POST /plain/{id}", byte[].class, (request, body) -> effect(request)));

  private final Random random = new Random(7);
  private TcpFaultProxy proxy;
  private HttpService service;

  @BeforeEach
  void connect() throws Exception {
    proxy = TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", server.server.port()));
    service =
        HttpService.builder("bank", URI.create("http://127.0.0.1:" + proxy.port()))
            .client(HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build())
            .build(resilience);
  }

  @AfterEach
  void close() {
    proxy.close();
    server.close();
    resilience.close();
    runtime.close();
  }

  private HttpAnswer effect(RouteRequest request) {
    String id = request.variable("id");
    int times = effects.computeIfAbsent(id, absent -> new AtomicInteger()).incrementAndGet();
    return HttpAnswer.of(200)
        .withBytes("text/plain", (id + " " + times).getBytes(StandardCharsets.UTF_8));
  }

  /** Makes one call with one fault; returns its answer, or an empty text for none. */
  private String call(ServiceCall call) {
    Direction direction = random.nextBoolean() ? Direction.TO_SERVER : Direction.TO_CLIENT;
    proxy.cutAfter(direction, 1 + random.nextInt(400));
    try {
      return new String(
          call.body(new byte[] {1}, "application/octet-stream").reply().body(),
          StandardCharsets.UTF_8);
    } catch (CallException lost) {
      return "";
    } catch (HttpAnswerException answered) {
      // The attempt before is still being handled.
      assertThat(answered.outcome().status()).isEqualTo(CallStatus.ABORTED);
      return "";
    }
  }

  private int duplicates() {
    return effects.values().stream().mapToInt(times -> times.get() - 1).sum();
  }

  @Test
  void aKeyedCallHasOneEffectAndItsStoredAnswer() {
    int answered = 0;
    for (int i = 0; i < FAULTS; i++) {
      String answer = call(service.post("/keyed/{id}", i).key("order-" + i));
      if (!answer.isEmpty()) {
        answered++;
        assertThat(answer).isEqualTo(i + " 1");
      }
    }
    assertThat(duplicates()).isZero();
    assertThat(answered).isGreaterThan(FAULTS * 9 / 10);
  }

  @Test
  void aCallThatIsNotIdempotentHasAtMostOneEffect() {
    int answered = 0;
    for (int i = 0; i < FAULTS; i++) {
      answered += call(service.post("/plain/{id}", i)).isEmpty() ? 0 : 1;
    }
    assertThat(duplicates()).isZero();
    assertThat(answered).as("some faults hit").isBetween(1, FAULTS - 1);
  }

  /** The saboteur: a client that takes a POST for repeatable. */
  @Test
  void aClientThatRepeatsWhatItMustNotIsFoundOut() {
    for (int i = 0; i < FAULTS; i++) {
      call(service.post("/plain/{id}", i).idempotency(Idempotency.IDEMPOTENT));
    }
    assertThat(duplicates()).isPositive();
  }
}
