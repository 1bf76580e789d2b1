package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.StubServer.Answer;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Copies of calls over HTTP, with real servers for the calls and for their copies. */
class MirroredCallsTest {

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int CALLS = 30;

  private final HttpFixture fixture = new HttpFixture();
  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final ConcurrentLinkedQueue<CallOutcome> copies = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Refusal> drops = new ConcurrentLinkedQueue<>();
  private Resilience resilience;
  private StubServer stable;

  @BeforeEach
  void begin() throws Exception {
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onMirror(
              CallTarget target, CallOutcome outcome, Duration elapsed, Optional<Refusal> refusal) {
            refusal.ifPresentOrElse(drops::add, () -> copies.add(outcome));
          }
        };
    CallPolicy policy =
        HttpFixture.policy(Duration.ofMillis(500)).toBuilder()
            .mirror(TrafficMirror.of("canary", 100))
            .build();
    resilience = Resilience.builder(runtime).observer(observer).defaults(policy).build();
    stable = fixture.stub(request -> Answer.json(200, "{\"cents\":6}"));
  }

  @AfterEach
  void end() throws Exception {
    resilience.close();
    fixture.close();
    runtime.close();
  }

  private HttpService service(URI canary) {
    return HttpService.builder("pricing", stable.uri())
        .subset("canary", Endpoints.of(List.of(canary)))
        .maxAnswerBytes(100_000)
        .build(resilience);
  }

  private void awaitCopies(HttpService service) {
    Await.until("the copies end", LIMIT, () -> service.guard().copiesInFlight() == 0);
  }

  @Test
  void copiesReachTheSubsetWithTheirMarkAndTheirAnswersAreDiscarded() throws Exception {
    byte[] large = "x".repeat(80_000).getBytes(StandardCharsets.UTF_8);
    StubServer canary =
        fixture.stub(request -> new Answer(200, java.util.Map.of("Content-Type", "a/b"), large));
    HttpService prices = service(canary.uri());
    for (int i = 0; i < CALLS; i++) {
      assertThat(prices.get("/prices/{article}", "a/" + i).reply().body())
          .asString(StandardCharsets.UTF_8)
          .isEqualTo("{\"cents\":6}");
      awaitCopies(prices);
    }
    Await.until("all copies", LIMIT, () -> copies.size() == CALLS);
    assertThat(copies).allMatch(CallOutcome::isSuccess);
    assertThat(stable.requests)
        .hasSize(CALLS)
        .allMatch(request -> request.header(CallHeaders.MIRRORED).isEmpty());
    assertThat(canary.requests)
        .hasSize(CALLS)
        .allMatch(request -> request.header(CallHeaders.MIRRORED).equals("1"))
        .allMatch(request -> request.header(CallHeaders.ATTEMPT).equals("1"))
        .allMatch(request -> Integer.parseInt(request.header(CallHeaders.TIMEOUT)) <= 500);
    assertThat(canary.requests)
        .extracting(StubServer.Received::path)
        .containsExactlyElementsOf(
            stable.requests.stream().map(StubServer.Received::path).toList());
  }

  @Test
  void anythingButASafeCallIsNeverCopied() throws Exception {
    StubServer canary = fixture.stub(request -> Answer.empty(204));
    HttpService prices = service(canary.uri());
    prices.post("/charges").send();
    prices.post("/charges").keyed().send();
    prices.put("/prices/1").send();
    prices.delete("/prices/1").send();
    prices.get("/x").idempotency(Idempotency.IDEMPOTENT).send();
    awaitCopies(prices);
    assertThat(canary.requests).isEmpty();
    assertThat(stable.requests).hasSize(5);
    prices.post("/search").idempotency(Idempotency.SAFE).send();
    Await.until("the copy", LIMIT, () -> canary.requests.size() == 1);
  }

  @Test
  void aCanaryThatFailsOrAnswersTooMuchOrRefusesHarmsNoCall() throws Exception {
    AtomicInteger answered = new AtomicInteger();
    StubServer canary =
        fixture.stub(
            request ->
                switch (answered.incrementAndGet() % 3) {
                  case 0 -> Answer.empty(500);
                  case 1 -> Answer.json(200, "x".repeat(200_000));
                  default -> Answer.empty(401);
                });
    AtomicInteger renewed = new AtomicInteger();
    HttpService prices =
        HttpService.builder("pricing", stable.uri())
            .subset("canary", Endpoints.of(List.of(canary.uri())))
            .maxAnswerBytes(100_000)
            .credentials(
                renew -> {
                  renewed.addAndGet(renew ? 1 : 0);
                  return "Bearer token";
                })
            .build(resilience);
    for (int i = 0; i < CALLS; i++) {
      prices.get("/x").send();
      awaitCopies(prices);
    }
    Await.until("all copies", LIMIT, () -> copies.size() + drops.size() == CALLS);
    assertThat(stable.requests).hasSize(CALLS);
    assertThat(copies).noneMatch(CallOutcome::isSuccess);
    assertThat(renewed).as("no credential is renewed for a copy").hasValue(0);
  }

  @Test
  void aCanaryThatHangsDelaysNoCallAndItsConnectionsAreCut() throws Exception {
    RawServer canary = fixture.raw(RawServer.Connection::awaitEnd);
    HttpService prices = service(canary.uri());
    long begun = System.nanoTime();
    for (int i = 0; i < CALLS; i++) {
      prices.get("/x").send();
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofMillis(2_500));
    awaitCopies(prices);
    Await.until("all copies", LIMIT, () -> copies.size() + drops.size() == CALLS);
    assertThat(copies).extracting(CallOutcome::status).contains(CallStatus.DEADLINE_EXCEEDED);
    assertThat(drops).contains(Refusal.BULKHEAD);
    Await.until("the connections end", LIMIT, () -> canary.ended.get() == copies.size());
  }

  @Test
  void copiesWithoutInstancesOfTheirOwnAreDropped() {
    HttpService prices = HttpService.builder("pricing", stable.uri()).build(resilience);
    prices.get("/x").send();
    awaitCopies(prices);
    Await.until("the drop", LIMIT, () -> drops.contains(Refusal.ENDPOINT));
    assertThat(stable.requests).hasSize(1);
  }

  @Test
  void streamedAnswersAndProtectedClientsAreNotCopied() throws Exception {
    StubServer canary = fixture.stub(request -> Answer.empty(204));
    HttpService prices = service(canary.uri());
    AtomicInteger reads = new AtomicInteger();
    prices.get("/x").stream(body -> reads.incrementAndGet());
    HttpClient client =
        HttpCalls.builder(HttpClient.newHttpClient(), resilience)
            .target(request -> CallTarget.of("pricing", "GET", Idempotency.SAFE))
            .build();
    var unused = client.send(HttpRequest.newBuilder(stable.uri()).build(), BodyHandlers.ofString());
    awaitCopies(prices);
    assertThat(reads).hasValue(1);
    assertThat(stable.requests).hasSize(2);
    assertThat(canary.requests).isEmpty();
    assertThat(copies).isEmpty();
  }

  @Test
  void aServerOfThisLibraryLearnsThatItHandlesACopy() {
    ConcurrentLinkedQueue<Boolean> marks = new ConcurrentLinkedQueue<>();
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .route(
                "GET /x",
                request -> {
                  marks.add(CallContext.current().isMirrored());
                  return HttpAnswer.of(204);
                })
            .build();
    HttpServerComponent server =
        HttpServerComponent.builder("canary", routes, runtime).host("127.0.0.1").build();
    server.start();
    try {
      service(URI.create("http://127.0.0.1:" + server.port())).get("/x").send();
      Await.until("the copy", LIMIT, () -> !marks.isEmpty());
      assertThat(marks).containsExactly(true);
    } finally {
      server.drain(Duration.ofSeconds(5));
      server.close();
    }
  }

  @Test
  void theMarkCantBeSetByHand() {
    HttpService prices = service(URI.create("http://127.0.0.1:1"));
    assertThatThrownBy(() -> prices.get("/x").header("x-mirrored", "1"))
        .hasMessage("header: x-mirrored (expected: one that the library does not set)");
  }
}
