package io.commslib.http;

import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.idempotency.IdempotencyKeyHeader;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.Workers;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.http.server.RouteRequest;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.ForwardingRuntime;
import io.commslib.testkit.call.ArrivedAttempt;
import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallReport;
import io.commslib.testkit.call.ProxyFaults;
import io.commslib.testkit.call.RemoteScript;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A service behind a proxy that breaks connections, with the library's own server at its end. */
final class ProxiedHarness implements CallHarness {

  private static final int MAX_ANSWER = 8_192;
  private static final int PART = 4_096;
  private static final int SERVER_THREADS = 4;
  private static final String PATH = "/call";
  private static final String TEXT = "text/plain";

  private final SystemRuntime system = SystemRuntime.platformThreads();
  private final CommsRuntime runtime = new PreparingRuntime();
  private final Resilience resilience = Resilience.create(runtime);
  private final Workers threads = system.newWorkers("contract-server", SERVER_THREADS);
  private final HttpRoutes routes;
  private final HttpServerComponent server;
  private final TcpFaultProxy proxy;
  private final Object lock = new Object();
  private final RemoteScript script = new RemoteScript();
  private HttpService service;
  private boolean isFaulty;

  /** Between two attempts of a call, the line gets the fault of the next one. */
  private final class PreparingRuntime extends ForwardingRuntime {
    PreparingRuntime() {
      super(system);
    }

    @Override
    public void pause(Duration time) throws InterruptedException {
      prepare();
      system.pause(time);
    }
  }

  ProxiedHarness() throws IOException {
    routes =
        HttpRoutes.builder(system)
            .route("GET " + PATH, request -> answer(request, new byte[0]))
            .route("PUT " + PATH, byte[].class, this::answer)
            .route("POST " + PATH, byte[].class, this::answer)
            .build();
    server =
        HttpServerComponent.builder("contract", routes, system)
            .host("127.0.0.1")
            .executor(threads)
            .build();
    server.start();
    proxy = TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", server.port()));
    service = newService();
  }

  /** A service whose client has no connection yet. */
  private HttpService newService() {
    return HttpService.builder("contract", URI.create("http://127.0.0.1:" + proxy.port()))
        .maxAnswerBytes(MAX_ANSWER)
        .build(resilience);
  }

  /** Ends the fault of the attempt before, and begins that of the next one if it is of the line. */
  private boolean prepare() {
    synchronized (lock) {
      if (isFaulty) {
        proxy.cut();
        proxy.heal();
        isFaulty = false;
      }
      RemoteStep next = script.begins();
      if (!RemoteScript.isOnTheWay(next)) {
        return false;
      }
      isFaulty = true;
      if (next.kind() == Kind.LOSE) {
        proxy.blackHole(Direction.TO_SERVER);
        return false;
      }
      proxy.cut();
      proxy.refuse();
      return true;
    }
  }

  private HttpAnswer answer(RouteRequest request, byte[] body) {
    RemoteStep step = script.arrives(arrival(request, body));
    if (step.kind() != Kind.ANSWER) {
      // First of all: the action may end the attempt.
      breakLine(step.kind());
    }
    step.arrived();
    if (step.kind() != Kind.ANSWER) {
      return HttpAnswer.of(200).withBytes(TEXT, bytes("x".repeat(MAX_ANSWER)));
    }
    int status = step.status().toHttp();
    return step.status() == CallStatus.OK
        ? HttpAnswer.of(status).withBytes(TEXT, step.body().map(ProxiedHarness::bytes).orElse(body))
        : failure(status, step);
  }

  private void breakLine(Kind kind) {
    synchronized (lock) {
      isFaulty = true;
      ProxyFaults.afterTheRequest(proxy, kind, PART);
    }
  }

  private static HttpAnswer failure(int status, RemoteStep step) {
    Problem.Builder details = Problem.builder(status).retryable(step.isRetryable());
    step.advice().ifPresent(details::retryAfter);
    byte[] json =
        step.hasMalformedDetails()
            ? bytes("{\"retryable\":false,\"title\":")
            : details.build().toJson();
    HttpAnswer answer = HttpAnswer.of(status).withBytes(Problem.MEDIA_TYPE, json);
    return step.rawAdvice().map(text -> answer.withHeader("Retry-After", text)).orElse(answer);
  }

  private static ArrivedAttempt arrival(RouteRequest request, byte[] body) {
    return new ArrivedAttempt(
        request.header(CallHeaders.ATTEMPT).map(Integer::parseInt).orElse(0),
        request
            .header(CallHeaders.TIMEOUT)
            .map(millis -> Duration.ofMillis(Long.parseLong(millis))),
        request
            .header(CallHeaders.IDEMPOTENCY_KEY)
            .map(field -> IdempotencyKeyHeader.parse(field).key()),
        request.header(CallHeaders.TRACEPARENT),
        new String(body, StandardCharsets.ISO_8859_1));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Override
  public CommsRuntime runtime() {
    return runtime;
  }

  @Override
  public void policy(CallPolicy policy) {
    service.guard().replacePolicy(policy);
  }

  @Override
  public void script(RemoteStep... steps) {
    script.script(steps);
  }

  @Override
  public void always(RemoteStep step) {
    script.always(step);
  }

  @Override
  public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
    if (prepare()) {
      // A connection that was cut may look usable for a moment; a new client has none.
      service = newService();
    }
    try {
      HttpReply reply = prepared(idempotency, key, body).reply();
      return CallReport.answered(
          CallOutcome.answered(CallStatus.OK),
          new String(reply.body(), StandardCharsets.ISO_8859_1));
    } catch (CallException e) {
      return CallReport.failed(e);
    } catch (HttpAnswerException e) {
      return CallReport.answered(e.outcome(), "");
    }
  }

  private ServiceCall prepared(Idempotency idempotency, @Nullable String key, String body) {
    return switch (idempotency) {
      case SAFE -> service.get(PATH);
      case IDEMPOTENT -> service.put(PATH).body(bytes(body), TEXT);
      case NON_IDEMPOTENT -> service.post(PATH).body(bytes(body), TEXT);
      case KEYED -> {
        ServiceCall call = service.post(PATH).body(bytes(body), TEXT);
        yield key == null ? call.keyed() : call.key(key);
      }
    };
  }

  @Override
  public List<ArrivedAttempt> arrived() {
    return script.arrived();
  }

  @Override
  public int inFlight() {
    return service.guard().inFlight();
  }

  @Override
  public CircuitBreaker.State breaker() {
    return service.guard().breakerState();
  }

  @Override
  public int connections() {
    return proxy.accepted();
  }

  @Override
  public int hiddenRepetitions() {
    return (int) routes.repeatedAttempts();
  }

  @Override
  public int maxAnswerBytes() {
    return MAX_ANSWER;
  }

  @Override
  public CallStatus delivered(CallStatus sent) {
    return CallStatus.ofHttp(sent.toHttp());
  }

  @Override
  public Duration shortTime() {
    return Duration.ofMillis(150);
  }

  @Override
  public void close() {
    proxy.close();
    server.close();
    threads.close();
    resilience.close();
    system.close();
  }
}
