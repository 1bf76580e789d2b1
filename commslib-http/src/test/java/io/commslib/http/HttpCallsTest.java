package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.http.StubServer.Answer;
import io.commslib.http.StubServer.Received;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HttpCallsTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final HttpFixture fixture = new HttpFixture();
  private final Resilience resilience = fixture.resilience;
  private final HttpClient bare = HttpClient.newHttpClient();
  private final HttpClient client = HttpCalls.protect(bare, resilience);

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private static HttpRequest.Builder to(StubServer server) {
    return HttpRequest.newBuilder(URI.create(server.uri() + "/x"));
  }

  private static HttpRequest post(StubServer server) {
    return to(server).POST(BodyPublishers.ofString("body")).build();
  }

  private String service(StubServer server) {
    return "127.0.0.1:" + server.uri().getPort();
  }

  @Test
  void aSafeRequestIsRepeatedAndAnotherIsNot() throws Exception {
    StubServer server =
        fixture.stub(request -> request.number() < 3 ? Answer.empty(503) : Answer.json(200, "{}"));
    HttpResponse<String> answer = client.send(to(server).build(), BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("{}");
    assertThat(server.requests.stream().map(each -> each.header(CallHeaders.ATTEMPT)))
        .containsExactly("1", "2", "3");
    StubServer busy = fixture.stub(request -> Answer.empty(503));
    assertThat(client.send(post(busy), BodyHandlers.discarding()).statusCode()).isEqualTo(503);
    assertThat(busy.requests).hasSize(1);
    assertThat(
            resilience.guard(service(busy)).operation("POST", Idempotency.NON_IDEMPOTENT).target())
        .hasToString(service(busy) + " POST");
  }

  @Test
  @SuppressWarnings("NullAway") // as code without a check of nullness may pass it
  void aMissingHandlerSendsNothing() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    for (HttpClient each : List.of(bare, client)) {
      assertThatThrownBy(() -> each.send(to(server).build(), null))
          .isInstanceOf(NullPointerException.class);
      assertThatThrownBy(() -> each.sendAsync(to(server).build(), null))
          .isInstanceOf(NullPointerException.class);
      assertThatThrownBy(() -> each.send(null, BodyHandlers.discarding()))
          .isInstanceOf(NullPointerException.class);
    }
    assertThat(server.requests).isEmpty();
  }

  /** A name of the name system has up to 253 characters. */
  @Test
  void aHostOfAnyLengthIsAService() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    InetSocketAddress proxy = new InetSocketAddress("127.0.0.1", server.uri().getPort());
    HttpClient proxied =
        HttpCalls.protect(
            HttpClient.newBuilder().proxy(ProxySelector.of(proxy)).build(), resilience);
    String host = "a".repeat(60) + "." + "b".repeat(60) + ".tenants.example";
    HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + host + ":8080/x")).build();
    assertThat(proxied.send(request, BodyHandlers.discarding()).statusCode()).isEqualTo(204);
    String service = (host + ":8080").substring(host.length() + 5 - CallTarget.MAX_NAME_CHARS);
    resilience.guard(service).forceBreakerOpen();
    assertThatThrownBy(() -> proxied.send(request, BodyHandlers.discarding()))
        .hasMessageContaining("the circuit breaker is open");
  }

  @Test
  void eachSubsetOfATargetHasItsOwnBreaker() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    HttpClient split =
        HttpCalls.builder(bare, resilience)
            .target(
                request ->
                    CallTarget.of("split", "GET", Idempotency.SAFE)
                        .inSubset(request.headers().firstValue("X-Subset").orElse("v1")))
            .build();
    assertThat(split.send(to(server).build(), BodyHandlers.discarding()).statusCode())
        .isEqualTo(204);
    resilience.guard("split").forceBreakerOpen();
    HttpRequest second = to(server).header("X-Subset", "v2").build();
    assertThat(resilience.guard("split").breakerState("v1")).isEqualTo(State.FORCED_OPEN);
    assertThat(resilience.guard("split").breakerState("v2")).isEqualTo(State.CLOSED);
    Throwable refused = catchThrowable(() -> split.send(second, BodyHandlers.discarding()));
    assertThat(((CallException) refused.getCause()).target()).hasToString("split/v2 GET");
  }

  /** Each answer that is not read would keep its connection for good. */
  @Test
  void theAnswersOfRepeatedAttemptsAreClosed() throws Exception {
    List<BodyHandler<?>> handlers =
        List.of(BodyHandlers.ofInputStream(), BodyHandlers.ofLines(), BodyHandlers.ofPublisher());
    for (BodyHandler<?> handler : handlers) {
      for (boolean isAsync : List.of(false, true)) {
        RawServer server =
            fixture.raw(
                connection -> {
                  connection.readHead();
                  if (connection.number < 3) {
                    connection.write("HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\nabc");
                    connection.awaitEnd();
                  } else {
                    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                  }
                });
        HttpRequest request = HttpRequest.newBuilder(server.uri()).build();
        HttpResponse<?> answer =
            isAsync ? client.sendAsync(request, handler).join() : client.send(request, handler);
        assertThat(answer.statusCode()).isEqualTo(200);
        Await.until("the connections are closed", LIMIT, () -> server.ended.get() == 3);
      }
    }
  }

  @Test
  void theAnswerThatTheCallerGetsIsNotClosed() throws Exception {
    StubServer server = fixture.stub(request -> Answer.json(503, "{}"));
    for (int i = 0; i < 2; i++) {
      HttpResponse<InputStream> answer =
          client.send(to(server).build(), BodyHandlers.ofInputStream());
      assertThat(new String(answer.body().readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("{}");
      HttpResponse<InputStream> other =
          client.sendAsync(to(server).build(), BodyHandlers.ofInputStream()).join();
      assertThat(new String(other.body().readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("{}");
    }
  }

  @Test
  void anAsynchronousRequestIsRepeatedToo() throws Exception {
    StubServer server =
        fixture.stub(request -> request.number() < 3 ? Answer.empty(503) : Answer.json(200, "{}"));
    assertThat(client.sendAsync(to(server).build(), BodyHandlers.ofString()).join().body())
        .isEqualTo("{}");
    assertThat(server.requests).hasSize(3);
    StubServer busy = fixture.stub(request -> Answer.empty(503));
    assertThat(client.sendAsync(post(busy), BodyHandlers.discarding()).join().statusCode())
        .isEqualTo(503);
    assertThat(busy.requests).hasSize(1);
  }

  @Test
  void aBodyReadableOnceIsNotRepeated() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(503));
    HttpRequest request =
        to(server)
            .PUT(
                BodyPublishers.ofInputStream(
                    () -> new ByteArrayInputStream("once".getBytes(StandardCharsets.UTF_8))))
            .build();
    assertThat(client.send(request, BodyHandlers.discarding()).statusCode()).isEqualTo(503);
    assertThat(server.requests.stream().map(Received::body)).containsExactly("once");
    HttpRequest known = to(server).PUT(BodyPublishers.ofString("known")).build();
    assertThat(client.send(known, BodyHandlers.discarding()).statusCode()).isEqualTo(503);
    assertThat(server.requests.stream().map(Received::body))
        .containsExactly("once", "known", "known", "known");
  }

  @Test
  void aKeyedTargetHasOneKeyAndTheCallersOwnWins() throws Exception {
    StubServer server =
        fixture.stub(request -> request.number() % 2 == 1 ? Answer.empty(503) : Answer.empty(204));
    HttpClient keyed =
        HttpCalls.builder(bare, resilience)
            .target(request -> CallTarget.of("bank", "POST /charges", Idempotency.KEYED))
            .timeoutHeader("X-Left")
            .build();
    keyed.send(post(server), BodyHandlers.discarding());
    keyed.send(
        HttpRequest.newBuilder(post(server), (name, value) -> true)
            .header("Idempotency-Key", "mine")
            .header("traceparent", "theirs")
            .build(),
        BodyHandlers.discarding());
    assertThat(server.requests).hasSize(4);
    String first = server.requests.get(0).header("Idempotency-Key");
    assertThat(first).matches("\"[0-9a-f-]{36}\"");
    assertThat(server.requests.stream().map(each -> each.header("Idempotency-Key")))
        .containsExactly(first, first, "mine", "mine");
    assertThat(server.requests.get(2).header("traceparent")).isEqualTo("theirs");
    assertThat(Integer.parseInt(server.requests.get(0).header("X-Left"))).isBetween(1, 5_000);
  }

  @Test
  void failuresAreThoseOfTheJdksClient() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = socket.getLocalPort();
    }
    HttpRequest refused = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + closed)).build();
    assertThatThrownBy(() -> client.send(refused, BodyHandlers.discarding()))
        .isInstanceOf(ConnectException.class)
        .hasCauseInstanceOf(CallException.class);
    assertThatThrownBy(() -> client.sendAsync(refused, BodyHandlers.discarding()).join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(ConnectException.class)
        .hasCauseInstanceOf(CallException.class);
    StubServer silent = fixture.stub(request -> null);
    resilience.guard(service(silent)).replacePolicy(HttpFixture.policy(Duration.ofMillis(200)));
    assertThatThrownBy(() -> client.send(post(silent), BodyHandlers.discarding()))
        .isInstanceOf(HttpTimeoutException.class)
        .hasCauseInstanceOf(CallException.class);
    assertThatThrownBy(() -> client.sendAsync(post(silent), BodyHandlers.discarding()).join())
        .cause()
        .isInstanceOf(HttpTimeoutException.class);
    assertThat(silent.requests).hasSize(2);
  }

  @Test
  void anOpenBreakerIsAnIoFailureThatNamesIt() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    resilience.guard(service(server)).forceBreakerOpen();
    Throwable failure =
        catchThrowable(() -> client.send(to(server).build(), BodyHandlers.discarding()));
    assertThat(failure)
        .isExactlyInstanceOf(IOException.class)
        .hasMessageStartingWith("COMMS-CALL-003");
    assertThat(((CallException) failure.getCause()).refusal()).contains(Refusal.BREAKER);
    assertThat(server.requests).isEmpty();
  }

  @Test
  void anInterruptIsThrownWithTheFlagCleared() throws Exception {
    StubServer server = fixture.stub(request -> null);
    Thread caller = Thread.currentThread();
    Thread interrupter =
        new Thread(
            () -> {
              Await.until("the request is there", LIMIT, () -> !server.requests.isEmpty());
              caller.interrupt();
            });
    interrupter.start();
    assertThatThrownBy(() -> client.send(to(server).build(), BodyHandlers.discarding()))
        .isInstanceOf(InterruptedException.class);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    interrupter.join();
    assertThat(server.requests).hasSize(1);
  }

  @Test
  void cancellingTheFutureEndsTheRequest() throws Exception {
    AtomicBoolean closedByClient = new AtomicBoolean();
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.awaitEnd();
              closedByClient.set(true);
            });
    CompletableFuture<HttpResponse<Void>> answer =
        client.sendAsync(
            HttpRequest.newBuilder(server.uri()).version(HttpClient.Version.HTTP_1_1).build(),
            BodyHandlers.discarding());
    String service = "127.0.0.1:" + server.uri().getPort();
    Await.until("in flight", LIMIT, () -> resilience.guard(service).inFlight() == 1);
    answer.cancel(true);
    Await.until("the slot is free", LIMIT, () -> resilience.guard(service).inFlight() == 0);
    Await.until("the connection is closed", LIMIT, closedByClient::get);
  }

  @Test
  void theDeadlineAroundItIsSent() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    HttpResponse<Void> answer =
        CallContext.<HttpResponse<Void>, Exception>within(
            Duration.ofMillis(700),
            () -> client.send(to(server).build(), BodyHandlers.discarding()));
    assertThat(answer.statusCode()).isEqualTo(204);
    assertThat(Integer.parseInt(server.requests.get(0).header(CallHeaders.TIMEOUT)))
        .isBetween(1, 700);
  }

  @Test
  void errorsOfHandlersAndTargetsReachTheCaller() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    LinkageError broken = new LinkageError("broken");
    HttpClient failing =
        HttpCalls.builder(bare, resilience)
            .target(
                request -> {
                  throw broken;
                })
            .build();
    assertThatThrownBy(() -> failing.send(to(server).build(), BodyHandlers.discarding()))
        .isSameAs(broken);
    assertThat(server.requests).isEmpty();
    assertThat(client.send(to(server).build(), BodyHandlers.discarding()).statusCode())
        .isEqualTo(204);
  }

  @Test
  void aClientOfMoreHostsThanServicesNeedsTargets() throws Exception {
    StubServer server = fixture.stub(request -> Answer.empty(204));
    for (int i = 0; i < Resilience.MAX_REMOTES; i++) {
      resilience.guard("host-" + i);
    }
    assertThatThrownBy(() -> client.send(to(server).build(), BodyHandlers.discarding()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("remotes: 1001 (expected: 1..1000");
    HttpClient grouped =
        HttpCalls.builder(bare, resilience)
            .target(request -> CallTarget.of("host-0", request.method(), Idempotency.SAFE))
            .build();
    assertThat(grouped.send(to(server).build(), BodyHandlers.discarding()).statusCode())
        .isEqualTo(204);
  }

  @Test
  void theSettingsAreThoseOfTheWrappedClient() {
    assertThat(client.version()).isEqualTo(bare.version());
    assertThat(client.followRedirects()).isEqualTo(bare.followRedirects());
    assertThat(client.sslContext()).isSameAs(bare.sslContext());
    assertThat(client.sslParameters().getProtocols())
        .isEqualTo(bare.sslParameters().getProtocols());
    assertThat(client.connectTimeout()).isEqualTo(bare.connectTimeout());
    assertThat(client.cookieHandler()).isEqualTo(bare.cookieHandler());
    assertThat(client.proxy()).isEqualTo(bare.proxy());
    assertThat(client.authenticator()).isEqualTo(bare.authenticator());
    assertThat(client.executor()).isEqualTo(bare.executor());
    assertThat(client.newWebSocketBuilder()).isNotNull();
    assertThat(client).hasToString("protected " + bare);
  }

  /** From Java 21 on a client has methods that end it, which this one must pass on. */
  @Test
  void closeReachesTheWrappedClient() throws Exception {
    boolean hasClose = Map.of(17, false, 25, true).getOrDefault(Runtime.version().feature(), true);
    assertThat(
            List.of(HttpClient.class.getMethods()).stream()
                .anyMatch(m -> m.getName().equals("close")))
        .isEqualTo(hasClose);
    HttpClient wrapped = HttpClient.newHttpClient();
    ProtectedHttpClient closing = (ProtectedHttpClient) HttpCalls.protect(wrapped, resilience);
    assertThat(closing.isTerminated()).isFalse();
    closing.shutdown();
    closing.shutdownNow();
    assertThat(closing.awaitTermination(LIMIT)).isEqualTo(hasClose);
    closing.close();
    assertThat(closing.isTerminated()).isEqualTo(hasClose);
    assertThat(ClientLifecycle.isTerminated(wrapped)).isEqualTo(hasClose);
  }
}
