package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.http.StubServer.Answer;
import io.commslib.http.StubServer.Received;
import io.commslib.jackson.JacksonCodec;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HttpServiceTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** A price. */
  record Price(String article, int cents) {}

  private final HttpFixture fixture = new HttpFixture();
  private final Resilience resilience = fixture.resilience;

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private HttpService service(URI uri) {
    return HttpService.builder("pricing", uri).codec(JacksonCodec.create()).build(resilience);
  }

  private HttpService impatient(URI uri) {
    resilience.guard("pricing").replacePolicy(HttpFixture.policy(Duration.ofMillis(300)));
    return service(uri);
  }

  private static HttpAnswerException failure(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable of) {
    return catchThrowableOfType(HttpAnswerException.class, of);
  }

  private static CallException refusal(org.assertj.core.api.ThrowableAssert.ThrowingCallable of) {
    return catchThrowableOfType(CallException.class, of);
  }

  @Test
  void readsATypedAnswer() throws Exception {
    StubServer server =
        fixture.stub(request -> Answer.json(200, "{\"article\":\"a\",\"cents\":7}"));
    HttpService prices = service(server.uri());
    assertThat(prices.get("/prices/{article}", "a/b c\u00e9").as(Price.class))
        .isEqualTo(new Price("a", 7));
    assertThat(server.requests).hasSize(1);
    assertThat(server.requests.get(0).path()).isEqualTo("/prices/a%2Fb%20c%C3%A9");
    assertThat(prices.guard().operation("GET /prices/{article}", Idempotency.SAFE).target())
        .hasToString("pricing GET /prices/{article}");
  }

  @Test
  void writesDeadlineAttemptTraceAndBaggage() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    HttpService prices = service(server.uri());
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    CallContext.current()
        .withTrace(trace, "vendor=1")
        .withBaggage("tenant", "a,b=c\u00e9")
        .<Void, RuntimeException>call(
            () ->
                CallContext.<Void, RuntimeException>within(
                    Duration.ofMillis(900),
                    () -> {
                      prices.get("/now").send();
                      return null;
                    }));
    Received request = server.requests.get(0);
    assertThat(Integer.parseInt(request.header(CallHeaders.TIMEOUT))).isBetween(1, 900);
    assertThat(request.header(CallHeaders.ATTEMPT)).isEqualTo("1");
    assertThat(request.header("traceparent")).isEqualTo(trace);
    assertThat(request.header("tracestate")).isEqualTo("vendor=1");
    assertThat(request.header("baggage")).isEqualTo("tenant=a%2Cb%3Dc%C3%A9");
    assertThat(request.header(CallHeaders.IDEMPOTENCY_KEY)).isEmpty();
  }

  @Test
  void eachAttemptSendsTheSameBodyAndKey() throws Exception {
    StubServer server =
        fixture.stub(request -> request.number() < 3 ? Answer.empty(503) : Answer.empty(204));
    service(server.uri()).post("/charges").body(new Price("a", 1)).keyed().send();
    assertThat(server.requests).hasSize(3);
    assertThat(server.requests.stream().map(Received::body))
        .containsOnly("{\"article\":\"a\",\"cents\":1}");
    assertThat(
            server.requests.stream()
                .map(each -> each.header(CallHeaders.IDEMPOTENCY_KEY))
                .distinct())
        .singleElement()
        .asString()
        .matches("\"[0-9a-f-]{36}\"");
    assertThat(server.requests.stream().map(each -> each.header(CallHeaders.ATTEMPT)))
        .containsExactly("1", "2", "3");
  }

  @Test
  void theCallersOwnKeyWins() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    ServiceCall call = service(server.uri()).post("/charges").key("order-\"7\"");
    call.send();
    call.send();
    assertThat(server.requests.stream().map(each -> each.header(CallHeaders.IDEMPOTENCY_KEY)))
        .containsExactly("\"order-\\\"7\\\"\"", "\"order-\\\"7\\\"\"");
  }

  @Test
  void gatewayTimeoutIsNotNotSent() throws Exception {
    for (int status : new int[] {408, 500, 502, 503, 504}) {
      StubServer server = fixture.stub(request -> Answer.empty(status));
      HttpAnswerException failure = failure(() -> service(server.uri()).post("/charges").send());
      assertThat(failure)
          .hasMessageStartingWith("COMMS-HTTP-001: the answer has status " + status + " (pricing");
      assertThat(failure.status()).isEqualTo(status);
      assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.ANSWERED);
      assertThat(server.requests).as("requests answered " + status).hasSize(1);
      resilience.guard("pricing").resetBreaker();
    }
  }

  @Test
  void unavailableIsRepeatedForWhatIsRepeatable() throws Exception {
    for (int status : new int[] {502, 503, 504}) {
      StubServer server = fixture.stub(request -> Answer.empty(status));
      assertThat(failure(() -> service(server.uri()).get("/x").send()).status()).isEqualTo(status);
      assertThat(server.requests).as("requests answered " + status).hasSize(3);
      resilience.guard("pricing").resetBreaker();
    }
    StubServer server = fixture.stub(request -> Answer.empty(404));
    assertThat(failure(() -> service(server.uri()).get("/x").send()).status()).isEqualTo(404);
    assertThat(server.requests).hasSize(1);
  }

  @Test
  void tooManyRequestsIsRepeatedOnlyWithAdvice() throws Exception {
    StubServer without = fixture.stub(request -> Answer.empty(429));
    failure(() -> service(without.uri()).get("/x").send());
    assertThat(without.requests).hasSize(1);
    StubServer with =
        fixture.stub(
            request ->
                request.number() == 1
                    ? new Answer(429, Map.of("Retry-After", "0"), new byte[0])
                    : Answer.empty(204));
    service(with.uri()).get("/x").send();
    assertThat(with.requests).hasSize(2);
  }

  @Test
  void aProblemCanForbidARepetition() throws Exception {
    Problem problem =
        Problem.builder(503).code("STOCK-1").detail("secret detail").retryable(false).build();
    StubServer server =
        fixture.stub(
            request ->
                new Answer(503, Map.of("Content-Type", Problem.MEDIA_TYPE), problem.toJson()));
    HttpAnswerException failure = failure(() -> service(server.uri()).get("/x").send());
    assertThat(server.requests).hasSize(1);
    assertThat(failure.problem().orElseThrow().code()).contains("STOCK-1");
    assertThat(failure.problem().orElseThrow().detail()).isEqualTo("secret detail");
    assertThat(failure.outcome().isRetryable()).isFalse();
    assertThat(failure).hasMessageNotContaining("secret");
  }

  @Test
  void anAdviceBeyondTheDeadlineEndsTheCall() throws Exception {
    StubServer server =
        fixture.stub(request -> new Answer(503, Map.of("Retry-After", "99999999999"), new byte[0]));
    HttpAnswerException failure = failure(() -> service(server.uri()).get("/x").send());
    assertThat(server.requests).hasSize(1);
    assertThat(failure.outcome().retryAfter()).contains(Duration.ofDays(365));
    StubServer negative =
        fixture.stub(request -> new Answer(429, Map.of("Retry-After", "-3"), new byte[0]));
    assertThat(failure(() -> service(negative.uri()).get("/x").send()).outcome().retryAfter())
        .isEmpty();
  }

  @Test
  void onlyNotSentIsRepeatedWithoutIdempotency() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = socket.getLocalPort();
    }
    CallException refused =
        refusal(() -> service(URI.create("http://127.0.0.1:" + closed)).post("/charges").send());
    assertThat(refused.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(refused.attempts()).isEqualTo(3);
    resilience.guard("pricing").resetBreaker();
    AtomicInteger posts = new AtomicInteger();
    RawServer resets =
        fixture.raw(
            connection -> {
              connection.readHead();
              posts.incrementAndGet();
            });
    CallException lost = refusal(() -> service(resets.uri()).post("/charges").send());
    assertThat(lost.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(lost.attempts()).isEqualTo(1);
    assertThat(posts).hasValue(1);
  }

  @Test
  void aTimedOutPostIsNeverRepeated() throws Exception {
    StubServer server = fixture.stub(request -> null);
    CallException late = refusal(() -> impatient(server.uri()).post("/charges").send());
    assertThat(late.code()).isEqualTo("COMMS-CALL-002");
    assertThat(late.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(server.requests).hasSize(1);
  }

  @Test
  void aTimedOutGetIsRepeated() throws Exception {
    StubServer server = fixture.stub(request -> request.number() < 3 ? null : Answer.empty(204));
    impatient(server.uri()).get("/x").send();
    assertThat(server.requests).hasSize(3);
  }

  @Test
  void theBodyIsCutToo() throws Exception {
    AtomicBoolean closedByClient = new AtomicBoolean();
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
              connection.awaitEnd();
              closedByClient.set(true);
            });
    long start = System.nanoTime();
    CallException late = refusal(() -> impatient(server.uri()).post("/x").send());
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    assertThat(late.code()).isEqualTo("COMMS-CALL-002");
    assertThat(took).isBetween(Duration.ofMillis(300), Duration.ofSeconds(5));
    Await.until("the connection is closed", LIMIT, closedByClient::get);
  }

  @Test
  void anAnswerOverTheBoundIsCut() throws Exception {
    byte[] large = "x".repeat(2_000).getBytes(StandardCharsets.UTF_8);
    StubServer server =
        fixture.stub(
            request ->
                request.number() == 1 ? new Answer(200, Map.of(), large) : Answer.empty(204));
    HttpService bounded =
        HttpService.builder("pricing", server.uri()).maxAnswerBytes(1_999).build(resilience);
    HttpAnswerException failure = failure(() -> bounded.get("/x").send());
    assertThat(failure.code()).isEqualTo("COMMS-HTTP-002");
    assertThat(failure)
        .hasMessageStartingWith("COMMS-HTTP-002: the answer has more than 1999 bytes");
    bounded.get("/x").send();
    assertThat(server.requests).as("not repeated").hasSize(2);
  }

  @Test
  void theLengthThatHeadAnnouncesIsNoBody() throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
              connection.awaitEnd();
            });
    HttpReply reply = service(server.uri()).call("HEAD", "/x").reply();
    assertThat(reply.header("Content-Length")).contains("100000000");
    assertThat(reply.body()).isEmpty();
  }

  @Test
  void theLengthOfWhatWasNotModifiedIsNoBody() throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 304 Not Modified\r\nContent-Length: 99000000\r\n\r\n");
            });
    HttpService prices = service(server.uri());
    assertThat(failure(() -> prices.get("/x").header("If-None-Match", "\"7\"").send()))
        .hasMessageStartingWith("COMMS-HTTP-001: the answer has status 304");
  }

  @Test
  void aMissingCredentialIsNamed() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    @SuppressWarnings("NullAway") // as code without a check of nullness may return it
    CredentialSource none = renew -> null;
    HttpService prices =
        HttpService.builder("pricing", server.uri()).credentials(none).build(resilience);
    assertThatThrownBy(() -> prices.get("/x").send())
        .isInstanceOf(NullPointerException.class)
        .hasMessage("authorization");
  }

  @Test
  void aMalformedCredentialIsNotShown() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    HttpService prices =
        HttpService.builder("pricing", server.uri())
            .credentials(renew -> "Bearer hunter2\r\nX: y")
            .build(resilience);
    assertThatThrownBy(() -> prices.get("/x").send())
        .hasMessageStartingWith("Authorization: not valid (expected: ")
        .hasMessageNotContaining("hunter2")
        .hasNoCause();
    assertThat(server.requests).isEmpty();
  }

  @Test
  void anEndlessAnswerWithoutALengthIsCut() throws Exception {
    AtomicBoolean cut = new AtomicBoolean();
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
              try {
                while (true) {
                  connection.write("400\r\n" + "x".repeat(1_024) + "\r\n");
                }
              } catch (IOException e) {
                cut.set(true);
              }
            });
    HttpService bounded =
        HttpService.builder("pricing", server.uri()).maxAnswerBytes(100_000).build(resilience);
    assertThat(failure(() -> bounded.get("/x").send()).code()).isEqualTo("COMMS-HTTP-002");
    Await.until("the connection is closed", LIMIT, cut::get);
  }

  @Test
  void anAnswerCutShortIsNoAnswer() throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
            });
    CallException lost = refusal(() -> service(server.uri()).get("/x").send());
    assertThat(lost.code()).isEqualTo("COMMS-CALL-001");
    assertThat(lost.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(lost.attempts()).isEqualTo(3);
  }

  @Test
  void whatIsNoHttpIsNoAnswer() throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("220 mail.example ESMTP\r\n\r\n");
            });
    CallException lost = refusal(() -> service(server.uri()).post("/x").send());
    assertThat(lost.code()).isEqualTo("COMMS-CALL-001");
    assertThat(lost.attempts()).isEqualTo(1);
  }

  @Test
  void anUnusableAnswerIsNamedWithoutItsContent() throws Exception {
    StubServer server =
        fixture.stub(
            request ->
                switch (request.path()) {
                  case "/html" ->
                      new Answer(
                          200,
                          Map.of("Content-Type", "text/html"),
                          "<secret>".getBytes(StandardCharsets.UTF_8));
                  case "/none" -> new Answer(200, Map.of(), new byte[] {1});
                  case "/suffix" ->
                      new Answer(
                          200,
                          Map.of("Content-Type", "application/vnd.price+JSON; charset=utf-8"),
                          "{\"article\":\"a\",\"cents\":7}".getBytes(StandardCharsets.UTF_8));
                  default -> Answer.json(200, "{\"article\":\"secret\",\"cents\":\"x\"");
                });
    HttpService prices = service(server.uri());
    for (String path : List.of("/html", "/none", "/malformed")) {
      HttpAnswerException failure = failure(() -> prices.get(path).as(Price.class));
      assertThat(failure.code()).isEqualTo("COMMS-HTTP-003");
      assertThat(failure)
          .hasMessageStartingWith("COMMS-HTTP-003: the answer")
          .hasMessageNotContaining("secret")
          .hasNoCause();
      assertThat(failure.outcome().status()).isEqualTo(CallStatus.UNKNOWN);
    }
    assertThat(prices.get("/suffix").as(Price.class)).isEqualTo(new Price("a", 7));
    assertThat(server.requests).hasSize(4);
  }

  @Test
  void aMalformedProblemIsNone() throws Exception {
    StubServer server =
        fixture.stub(
            request ->
                new Answer(422, Map.of("Content-Type", Problem.MEDIA_TYPE), new byte[] {'{', 'x'}));
    HttpAnswerException failure = failure(() -> service(server.uri()).get("/x").send());
    assertThat(failure.problem()).isEmpty();
    assertThat(failure.status()).isEqualTo(422);
  }

  @Test
  void aRedirectIsNotFollowed() throws Exception {
    StubServer other = fixture.stub(request -> Answer.empty(204));
    StubServer server =
        fixture.stub(
            request -> new Answer(307, Map.of("Location", other.uri() + "/stolen"), new byte[0]));
    HttpService prices =
        HttpService.builder("pricing", server.uri())
            .credentials(renew -> "Bearer s")
            .build(resilience);
    HttpAnswerException failure = failure(() -> prices.post("/x").keyed().send());
    assertThat(failure).hasMessageContaining("is a redirect, which is not followed");
    assertThat(other.requests).isEmpty();
    assertThatThrownBy(
            () ->
                HttpService.builder("pricing", server.uri())
                    .client(
                        HttpClient.newBuilder()
                            .followRedirects(HttpClient.Redirect.NORMAL)
                            .build()))
        .hasMessageStartingWith("followRedirects: NORMAL (expected: NEVER");
  }

  @Test
  void aRefusedCredentialIsRenewedOnceForWhatMayBeRepeated() throws Exception {
    StubServer server =
        fixture.stub(
            request ->
                request.header("Authorization").equals("Bearer 2")
                    ? Answer.empty(204)
                    : Answer.empty(401));
    AtomicInteger renewals = new AtomicInteger();
    HttpService prices =
        HttpService.builder("pricing", server.uri())
            .credentials(renew -> "Bearer " + (renew ? renewals.addAndGet(2) : 1))
            .build(resilience);
    prices.get("/x").send();
    assertThat(server.requests).hasSize(2);
    assertThat(failure(() -> prices.post("/x").send()).status()).isEqualTo(401);
    assertThat(server.requests).hasSize(3);
    assertThat(failure(() -> prices.put("/x").send()).status()).isEqualTo(401);
    assertThat(server.requests).as("renewed once").hasSize(5);
  }

  @Test
  void interruptedIsNeverRetriedAndTheFlagStays() throws Exception {
    StubServer server = fixture.stub(request -> null);
    HttpService prices = service(server.uri());
    Thread caller = Thread.currentThread();
    Thread interrupter =
        new Thread(
            () -> {
              Await.until("the request is there", LIMIT, () -> !server.requests.isEmpty());
              caller.interrupt();
            });
    interrupter.start();
    CallException cancelled = refusal(() -> prices.get("/x").send());
    assertThat(Thread.interrupted()).isTrue();
    interrupter.join();
    assertThat(cancelled.code()).isEqualTo("COMMS-CALL-006");
    assertThat(cancelled.attempts()).isEqualTo(1);
    assertThat(server.requests).hasSize(1);
  }

  @Test
  void theJdksHiddenResendCarriesTheSameAttempt() throws Exception {
    AtomicInteger gets = new AtomicInteger();
    AtomicInteger posts = new AtomicInteger();
    RawServer server =
        fixture.raw(
            connection -> {
              String first = connection.readHead();
              if (connection.number == 1 || connection.number == 3) {
                connection.write("HTTP/1.1 204 No Content\r\n\r\n");
                first = connection.readHead();
              }
              (first.startsWith("POST") ? posts : gets).incrementAndGet();
            });
    HttpService prices =
        HttpService.builder("pricing", server.uri())
            .client(HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build())
            .build(resilience);
    resilience
        .guard("pricing")
        .replacePolicy(CallPolicy.builder().retry(RetryPolicy.none()).build());
    prices.get("/warm").send();
    assertThat(refusal(() -> prices.get("/x").send()).attempts()).isEqualTo(1);
    assertThat(gets).as("sent again on a new connection, within one attempt").hasValue(2);
    prices.get("/warm").send();
    assertThat(refusal(() -> prices.post("/x").send()).attempts()).isEqualTo(1);
    assertThat(posts).hasValue(1);
    assertThatThrownBy(() -> prices.get("/x").idempotency(Idempotency.NON_IDEMPOTENT))
        .hasMessageStartingWith("idempotency: NON_IDEMPOTENT (expected: SAFE, IDEMPOTENT or KEYED");
  }

  @Test
  void anOpenBreakerSendsNothing() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(503));
    HttpService prices = service(server.uri());
    for (int i = 0; i < 100; i++) {
      assertThatThrownBy(() -> prices.get("/x").send()).isNotNull();
    }
    assertThat(refusal(() -> prices.get("/x").send()).code()).isEqualTo("COMMS-CALL-003");
    assertThat(server.requests.size()).isLessThan(100);
  }

  @Test
  void aMissingValueIsFoundEmpty() throws Exception {
    StubServer server =
        fixture.stub(
            request ->
                request.path().endsWith("1")
                    ? Answer.json(200, "{\"article\":\"1\",\"cents\":7}")
                    : Answer.json(404, "{}"));
    HttpService prices = service(server.uri());
    assertThat(prices.get("/prices/{id}", 1).find(Price.class)).contains(new Price("1", 7));
    assertThat(prices.get("/prices/{id}", 2).find(Price.class)).isEmpty();
  }

  @Test
  void slowAndDeadInstancesGetLittle() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    StubServer fast = fixture.stub(request -> Answer.empty(204));
    StubServer slow =
        fixture.stub(
            request -> {
              boolean unused = never.await(50, TimeUnit.MILLISECONDS);
              return Answer.empty(204);
            });
    URI dead;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      dead = URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
    HttpService prices =
        HttpService.builder("pricing", Endpoints.of(List.of(slow.uri(), dead, fast.uri())))
            .build(resilience);
    AtomicInteger failures = new AtomicInteger();
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Thread caller =
          new Thread(
              () -> {
                for (int i = 0; i < 50; i++) {
                  try {
                    prices.post("/x").send();
                  } catch (RuntimeException e) {
                    failures.incrementAndGet();
                  }
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (Thread caller : callers) {
      caller.join(LIMIT.toMillis());
    }
    assertThat(failures).as("what was not sent is sent to another instance").hasValue(0);
    assertThat(fast.requests.size() + slow.requests.size()).isEqualTo(200);
    assertThat(slow.requests.size()).isLessThan(fast.requests.size() / 2);
  }

  @Test
  void anAttemptGoesToTheInstancesOfItsSubset() throws Exception {
    StubServer stable = fixture.stub(request -> Answer.empty(204));
    StubServer canary = fixture.stub(request -> Answer.empty(204));
    HttpService prices =
        HttpService.builder("split", stable.uri())
            .subset("v2", Endpoints.of(List.of(canary.uri())))
            .build(resilience);
    prices.post("/x").send();
    assertThat(stable.requests).hasSize(1);
    prices
        .guard()
        .replacePolicy(CallPolicy.builder().split(TrafficSplit.of("v1", 0, "v2", 1)).build());
    prices.post("/x").send();
    assertThat(canary.requests).hasSize(1);
    prices
        .guard()
        .replacePolicy(CallPolicy.builder().split(TrafficSplit.of("v1", 1, "v2", 0)).build());
    prices.post("/x").send();
    assertThat(stable.requests).as("a subset without instances of its own").hasSize(2);
    assertThat(canary.requests).hasSize(1);
  }

  @Test
  void badInputIsRefusedByNameAndRule() {
    HttpService prices = service(URI.create("http://127.0.0.1:1/base/"));
    assertThatThrownBy(() -> prices.get("/x").header("X-Note", "a\r\nSecret: b"))
        .hasMessage(
            "X-Note: not valid (expected: up to 8000 printable ASCII characters, without CR and LF)");
    for (String reserved : List.of("Idempotency-Key", "Transfer-Encoding", "Content-Length")) {
      assertThatThrownBy(() -> prices.get("/x").header(reserved, "a"))
          .hasMessage("header: " + reserved + " (expected: one that the library does not set)");
    }
    assertThatThrownBy(() -> prices.get("/x").header("a b", "c"))
        .hasMessageStartingWith("header: 'a b'");
    assertThatThrownBy(() -> prices.post("/x").key("a\u00e9"))
        .hasMessageStartingWith("idempotencyKey");
    assertThatThrownBy(() -> prices.call("get", "/x")).hasMessageStartingWith("method: 'get'");
    for (String base :
        List.of(
            "ftp://host",
            "http://user:secret@host",
            "http:///x",
            "http://h?q=1",
            "http://my_host")) {
      assertThatThrownBy(() -> HttpService.builder("pricing", URI.create(base)))
          .hasMessageStartingWith("address: not valid (expected: http")
          .hasMessageNotContaining("secret");
    }
    HttpService none = HttpService.builder("pricing", URI.create("http://h")).build(resilience);
    assertThatThrownBy(() -> none.post("/x").body(new Price("a", 1)))
        .hasMessage("codec: none (expected: HttpService.Builder.codec)");
  }
}
