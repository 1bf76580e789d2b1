package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.Workers;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.http.server.RouteRequest;
import io.commslib.testkit.faults.TcpFaultProxy;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The JDK's client sends a GET again, unasked, if its connection ends before the first byte of the
 * answer. The server here ends a connection that is kept alive once a request has arrived.
 */
class HiddenResendTest {

  private final HttpFixture fixture = new HttpFixture();
  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Workers threads = runtime.newWorkers("test-server", 4);
  private final AtomicInteger toDrop = new AtomicInteger();
  private final List<String> attempts = new CopyOnWriteArrayList<>();
  private final Set<String> ids = ConcurrentHashMap.newKeySet();
  private final AtomicInteger effects = new AtomicInteger();
  private final Set<String> keys = ConcurrentHashMap.newKeySet();
  private final HttpRoutes routes =
      HttpRoutes.builder(runtime)
          .route("GET /price", this::read)
          .route("POST /charge", byte[].class, (request, body) -> charge(request))
          .build();
  private final HttpServerComponent server =
      HttpServerComponent.builder("resend", routes, runtime)
          .host("127.0.0.1")
          .executor(threads)
          .build();
  private final TcpFaultProxy proxy;
  private final HttpService service;

  HiddenResendTest() throws IOException {
    server.start();
    proxy = TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", server.port()));
    service = HttpService.builder("resend", uri("")).build(fixture.resilience);
  }

  @AfterEach
  void close() throws Exception {
    proxy.close();
    server.close();
    threads.close();
    runtime.close();
    fixture.close();
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + proxy.port() + path);
  }

  private HttpAnswer read(RouteRequest request) {
    arrived(request);
    return HttpAnswer.noContent();
  }

  private HttpAnswer charge(RouteRequest request) {
    // An effect for each key, and for each request without one.
    if (request.header(CallHeaders.IDEMPOTENCY_KEY).map(keys::add).orElse(true)) {
      effects.incrementAndGet();
    }
    arrived(request);
    return HttpAnswer.noContent();
  }

  private void arrived(RouteRequest request) {
    attempts.add(request.header(CallHeaders.ATTEMPT).orElse(""));
    request.header(CallHeaders.CALL_ID).ifPresent(ids::add);
    if (toDrop.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      proxy.cut();
    }
  }

  @Test
  void theJdksHiddenResendIsHarmlessAndCounted() {
    service.get("/price").send();
    toDrop.set(1);
    service.get("/price").send();
    // The second call has one attempt of ours, which has arrived twice.
    assertThat(attempts).containsExactly("1", "1", "1");
    assertThat(ids).hasSize(2);
    assertThat(routes.repeatedAttempts()).isEqualTo(1);

    attempts.clear();
    toDrop.set(1);
    service.post("/charge").keyed().send();
    // Repeated by the library, with its own number and the same key.
    assertThat(attempts).containsExactly("1", "2");
    assertThat(effects).hasValue(1);

    attempts.clear();
    toDrop.set(1);
    CallException lost =
        catchThrowableOfType(CallException.class, () -> service.post("/charge").send());
    assertThat(lost.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(attempts).containsExactly("1");
    assertThat(effects).hasValue(2);
    assertThat(ids).as("only GET and HEAD have an id").hasSize(2);
    assertThat(routes.repeatedAttempts()).isEqualTo(1);
  }

  @Test
  void aProtectedClientsHiddenResendIsCountedToo() throws Exception {
    HttpClient client = HttpCalls.protect(HttpClient.newHttpClient(), fixture.resilience);
    HttpRequest request = HttpRequest.newBuilder(uri("/price")).build();
    client.send(request, BodyHandlers.discarding());
    toDrop.set(1);
    client.send(request, BodyHandlers.discarding());
    assertThat(attempts).containsExactly("1", "1", "1");
    assertThat(routes.repeatedAttempts()).isEqualTo(1);
  }

  @Test
  void anAttemptOfTheLibraryIsNoHiddenOne() {
    // The JDK's client sends a request at most twice; the third time is a new attempt.
    service.get("/price").send();
    toDrop.set(2);
    service.get("/price").send();
    long distinct = attempts.stream().skip(1).distinct().count();
    assertThat(distinct).isGreaterThan(1);
    assertThat(routes.repeatedAttempts()).isEqualTo(attempts.size() - 1 - distinct);
    assertThat(ids).hasSize(2);
  }
}
