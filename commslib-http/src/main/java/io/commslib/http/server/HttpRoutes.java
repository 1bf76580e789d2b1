package io.commslib.http.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.commslib.core.checks.Checks;
import io.commslib.core.codec.Codec;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.http.CallHeaders;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operations that a service offers over HTTP. Each request runs under a {@link
 * io.commslib.core.call.CallContext} with the deadline and the trace of its caller, within bounds
 * of number, size and time, and each failure becomes problem details with a code and without
 * content.
 *
 * <p>It is a handler for the JDK's server; adapters for others call {@link #handle(ServerRequest)}.
 * {@link HttpServerComponent} runs it with health and drain. Immutable but for its counters,
 * thread-safe.
 */
public final class HttpRoutes implements HttpHandler {

  private static final Logger log = LoggerFactory.getLogger(HttpRoutes.class);

  /** The default of {@link Builder#maxBodyBytes}. */
  public static final int DEFAULT_MAX_BODY_BYTES = 1_048_576;

  /** The default of {@link Builder#maxInFlight}. */
  public static final int DEFAULT_MAX_IN_FLIGHT = 256;

  private final Serving serving;

  private HttpRoutes(Builder builder) {
    this.serving = new Serving(builder);
  }

  /**
   * Starts the routes of a service.
   *
   * @param runtime outlives the routes
   * @return a builder
   */
  public static Builder builder(CommsRuntime runtime) {
    return new Builder(runtime);
  }

  /**
   * Handles a request, for adapters of servers. Blocks until the handler has returned. The adapter
   * writes the answer, ends the connection if {@link ServerAnswer#closesConnection} states it, and
   * then throws {@link ServerAnswer#jvmFailure}. It bounds the time of the writing itself.
   *
   * @param request the request
   * @return the answer, also for every failure
   */
  public ServerAnswer handle(ServerRequest request) {
    try (RequestRun run = new RequestRun(serving)) {
      return run.answer(request);
    }
  }

  /**
   * Handles a request of the JDK's server and writes its answer. Blocks until both is done. A
   * caller that neither sends nor takes a part of the content for the idle time is disconnected.
   *
   * @param exchange request and answer; closed at the end
   */
  @Override
  public void handle(HttpExchange exchange) {
    Optional<Error> failure = Optional.empty();
    try (RequestRun run = new RequestRun(serving)) {
      try {
        JdkExchange jdk = new JdkExchange(exchange);
        ServerAnswer answer = run.answer(jdk);
        failure = answer.jvmFailure();
        jdk.write(answer, run);
      } catch (IOException e) {
        log.debug("the caller has gone before its answer was written", e);
      } finally {
        // Within the run: closing reads what is left of the body, which may take time too.
        exchange.close();
      }
    }
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  /** Answers further requests with 503 and ends their connections. Idempotent. */
  public void stopIntake() {
    serving.stop();
  }

  /**
   * Stops the intake and waits until the requests in flight have their answers. On other servers
   * than the JDK's it waits until their {@link #handle(ServerRequest)} has returned.
   *
   * @param timeout the maximum wait
   * @return whether none is in flight
   */
  public boolean drain(Duration timeout) {
    stopIntake();
    return serving.open().awaitNone(timeout);
  }

  /** Stops the intake and interrupts the requests in flight. Returns without waiting. */
  public void interrupt() {
    stopIntake();
    serving.watch().interruptAll();
  }

  /**
   * {@return the number of requests whose answer has not left, or for other servers than the JDK's,
   * whose {@link #handle(ServerRequest)} has not returned}
   */
  public int inFlight() {
    return serving.open().count();
  }

  /** {@return the number of requests that were refused because of load} */
  public long refused() {
    return serving.refused();
  }

  /** {@return the number of times that a caller was too slow or a handler overran its time} */
  public long overruns() {
    return serving.watch().overruns();
  }

  /**
   * Returns the number of attempts that have arrived a second time, because the JDK's client sends
   * a GET or HEAD again whose connection ended without an answer. Only requests with {@link
   * CallHeaders#CALL_ID} are counted, and only if this process has received them both times, with
   * fewer than some thousand requests between.
   *
   * @return the number since the start
   */
  public long repeatedAttempts() {
    return serving.repeated().count();
  }

  /** {@return the number of requests that were refused because of a stop} */
  long refusedByStop() {
    return serving.refusedByStop();
  }

  /** {@return the bound of {@link Builder#maxInFlight}} */
  int maxInFlight() {
    return serving.maxInFlight();
  }

  /** {@return the limit of {@link Builder#limiter} now, if there is one} */
  OptionalInt limit() {
    return serving.handlers().limit();
  }

  /** {@return the bound of {@link Builder#maxTimeout}} */
  Duration maxTimeout() {
    return serving.maxTimeout();
  }

  /** Collects routes and settings. Mutable; confined to one thread. */
  public static final class Builder {
    final CommsRuntime runtime;
    private final List<RouteDefinition> definitions = new ArrayList<>();
    private final Deprecations deprecations = new Deprecations();
    private @Nullable Codec codec;
    private @Nullable KeyedRequests keyed;
    @Nullable ConcurrencyLimiter limiter;
    int maxBodyBytes = DEFAULT_MAX_BODY_BYTES;
    int maxInFlight = DEFAULT_MAX_IN_FLIGHT;
    Duration maxTimeout = Duration.ofSeconds(60);
    Duration idleTime = Duration.ofSeconds(10);
    Duration retryAfter = Duration.ofSeconds(1);

    private Builder(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * Adds a route without a body. Default none. A route of GET also answers HEAD.
     *
     * @param template method and path with variables, for example {@code GET
     *     /v1/orders/{id}/summary}; the methods are GET, POST, PUT, PATCH and DELETE
     * @param handler called on the threads of the server
     * @return this builder
     * @throws IllegalArgumentException if the template breaks its rule
     */
    public Builder route(String template, RouteHandler handler) {
      Objects.requireNonNull(handler, "handler");
      PathTemplate path = PathTemplate.of(template);
      definitions.add(
          new RouteDefinition(path, (codec, headers) -> Route.of(path, handler, codec, headers)));
      return this;
    }

    /**
     * Adds a route with a body. Default none.
     *
     * @param <T> type of the body
     * @param template method and path with variables
     * @param type the class to decode, or {@code byte[].class} for the bytes of any media type
     * @param handler called on the threads of the server
     * @return this builder
     * @throws IllegalArgumentException if the template breaks its rule
     */
    public <T> Builder route(String template, Class<T> type, BodyRouteHandler<? super T> handler) {
      Objects.requireNonNull(type, "type");
      Objects.requireNonNull(handler, "handler");
      PathTemplate path = PathTemplate.of(template);
      definitions.add(
          new RouteDefinition(
              path,
              (codec, headers) -> {
                checkCodec(type, codec);
                return Route.of(path, type, handler, codec, headers);
              }));
      return this;
    }

    private static void checkCodec(Class<?> type, Optional<Codec> codec) {
      if (type != byte[].class) {
        Checks.given("codec", codec.orElse(null));
      }
    }

    /**
     * Adds a route whose requests have an idempotency key and take effect once for each key, also
     * if its effects are in other systems. A lease keeps a second request with the key from running
     * meanwhile; if this process ends during the handler, the next request with the key runs it
     * again. Repetitions get the stored answer, with one value of each header field. Default none.
     *
     * @param <T> type of the body
     * @param template method and path with variables, up to 119 characters, not of GET
     * @param type the class to decode, or {@code byte[].class}
     * @param handler called on the threads of the server, once for each key; an answer with a
     *     status of 500 and above and an exception are not stored, so the next request runs it
     *     again
     * @return this builder
     * @throws IllegalArgumentException if the template breaks its rule
     */
    public <T> Builder keyed(String template, Class<T> type, BodyRouteHandler<? super T> handler) {
      Objects.requireNonNull(type, "type");
      Objects.requireNonNull(handler, "handler");
      PathTemplate path = keyedTemplate(template);
      definitions.add(
          new RouteDefinition(
              path,
              (codec, headers) -> {
                checkCodec(type, codec);
                return Route.keyed(path, type, handler, leasedRequests(), codec, headers);
              }));
      return this;
    }

    /**
     * Adds a route whose requests have an idempotency key and whose effects are all in one
     * transaction, which the stored answer commits with. Repetitions get the stored answer. Default
     * none.
     *
     * @param <T> type of the body
     * @param template method and path with variables, up to 119 characters, not of GET
     * @param type the class to decode, or {@code byte[].class}
     * @param transactions transactions on the database of the stored answers
     * @param handler called on the threads of the server, once for each key
     * @return this builder
     * @throws IllegalArgumentException if the template breaks its rule
     */
    public <T> Builder transactional(
        String template,
        Class<T> type,
        TransactionRunner transactions,
        TransactionalRouteHandler<? super T> handler) {
      Objects.requireNonNull(type, "type");
      Objects.requireNonNull(transactions, "transactions");
      Objects.requireNonNull(handler, "handler");
      PathTemplate path = keyedTemplate(template);
      definitions.add(
          new RouteDefinition(
              path,
              (codec, headers) -> {
                checkCodec(type, codec);
                return Route.transactional(
                    path, type, transactions, handler, keyedRequests(), codec, headers);
              }));
      return this;
    }

    private static PathTemplate keyedTemplate(String template) {
      PathTemplate path = PathTemplate.of(template);
      Checks.check(
          !template.startsWith("GET ") && template.length() <= KeyedRequests.MAX_OPERATION_CHARS,
          "template",
          template,
          "up to " + KeyedRequests.MAX_OPERATION_CHARS + " characters, and not of GET");
      return path;
    }

    private KeyedRequests keyedRequests() {
      return Checks.given("idempotency", keyed).advising(retryAfter);
    }

    private KeyedRequests leasedRequests() {
      KeyedRequests given = keyedRequests();
      Duration lease = given.requests().lease();
      // A handler runs for at most this time, and the lease must not end before.
      Checks.check(
          lease.compareTo(maxTimeout) > 0, "lease", lease, "more than maxTimeout, " + maxTimeout);
      return given;
    }

    /**
     * Sets the store of the answers of keyed routes. Default none; required for such routes.
     *
     * @param requests decides about requests with a key; for {@link #keyed} routes its lease must
     *     exceed {@link #maxTimeout}, as the default does
     * @param caller returns the name of a request's caller, for example from its credential; called
     *     on the threads of the server before the handler; keys of different callers are
     *     independent. A name of more than 80 characters, or with others than printable ASCII, is
     *     stored as {@code sha256:} and a hash of it, so any name may be returned. A null or blank
     *     one is answered with 500 and {@code COMMS-HTTP-116}, which forbids a repetition, and so
     *     is a failure of the function, unless it is a {@link ProblemException} or a failure for
     *     which a handler has 503 or 504
     * @return this builder
     */
    public Builder idempotency(IdempotentRequests requests, Function<RouteRequest, String> caller) {
      this.keyed =
          new KeyedRequests(
              Objects.requireNonNull(requests, "requests"),
              Objects.requireNonNull(caller, "caller"),
              retryAfter);
      return this;
    }

    /**
     * Marks all routes below a path as deprecated: their answers have {@code Deprecation} and
     * {@code Sunset}. They are served until you remove them. Default none.
     *
     * @param prefix the beginning of their paths, for example {@code /v1}
     * @param since the time from which they are deprecated
     * @param removedOn the time from which they may be missing, not before {@code since}
     * @return this builder
     * @throws IllegalArgumentException if the times are in the wrong order
     */
    public Builder deprecated(String prefix, Instant since, Instant removedOn) {
      deprecations.add(prefix, since, removedOn);
      return this;
    }

    /**
     * Sets the codec of bodies. Default none; required for typed bodies and encoded answers.
     *
     * @param codec the codec
     * @return this builder
     */
    public Builder codec(Codec codec) {
      this.codec = Objects.requireNonNull(codec, "codec");
      return this;
    }

    /**
     * Sets the maximum size of a request's body. A larger one is answered with 413.
     *
     * @param maxBodyBytes 0 bytes to 1 GiB; default {@value #DEFAULT_MAX_BODY_BYTES}
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxBodyBytes(int maxBodyBytes) {
      this.maxBodyBytes = Checks.inRange("maxBodyBytes", maxBodyBytes, 0, 1 << 30);
      return this;
    }

    /**
     * Sets the maximum number of requests in flight. Further ones are answered with 503 and {@code
     * Retry-After}, and their handler is not run.
     *
     * @param maxInFlight 1 to 100,000; default {@value #DEFAULT_MAX_IN_FLIGHT}
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxInFlight(int maxInFlight) {
      this.maxInFlight = Checks.inRange("maxInFlight", maxInFlight, 1, 100_000);
      return this;
    }

    /**
     * Sets a limiter of the handlers that run at the same time, for example an {@code
     * AdaptiveLimiter}, whose limit follows what the server can do. A request without a permit is
     * answered with 503 and {@code Retry-After}, its handler is not run, and it does not count as a
     * failure of the handler. {@link #maxInFlight} bounds the requests all the same, and should
     * exceed the maximum of the limiter.
     *
     * @param limiter asked after the body has been read; of these routes only; default none
     * @return this builder
     */
    public Builder limiter(ConcurrencyLimiter limiter) {
      this.limiter = Objects.requireNonNull(limiter, "limiter");
      return this;
    }

    /**
     * Sets the time of requests that state none, and the maximum for the others.
     *
     * @param maxTimeout 10 ms to 1 h; default 60 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxTimeout(Duration maxTimeout) {
      this.maxTimeout =
          Checks.inRange("maxTimeout", maxTimeout, Duration.ofMillis(10), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the time for which a caller may neither send nor take a part of the content.
     *
     * @param idleTime 10 ms to 10 min; default 10 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder idleTime(Duration idleTime) {
      this.idleTime =
          Checks.inRange("idleTime", idleTime, Duration.ofMillis(10), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the advice to callers that are refused because of load or a stop, or whose handler lost
     * a race with a concurrent one. A caller whose request with the same key is in progress is
     * advised to wait for at most this time: that request mostly ends long before its lease.
     *
     * @param retryAfter 0 s to 1 h; default 1 s; sent in whole seconds, rounded up
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder retryAfter(Duration retryAfter) {
      this.retryAfter =
          Checks.inRange("retryAfter", retryAfter, Duration.ZERO, Duration.ofHours(1));
      return this;
    }

    /**
     * Builds the routes.
     *
     * @return the routes
     * @throws IllegalArgumentException if a path matches two templates of a method and none is more
     *     special, no route is below a deprecated path, or the lease of keyed routes does not
     *     exceed {@link #maxTimeout}
     * @throws IllegalStateException if a codec or a store of answers is required and missing
     */
    public HttpRoutes build() {
      return new HttpRoutes(this);
    }

    /** Makes the routes, once codec and deprecations are known. */
    List<Route> routes() {
      List<PathTemplate> templates = definitions.stream().map(RouteDefinition::template).toList();
      deprecations.checkUsed(templates);
      List<Route> routes = new ArrayList<>();
      for (RouteDefinition definition : definitions) {
        Map<String, List<String>> headers = deprecations.headers(definition.template());
        routes.add(definition.maker().make(Optional.ofNullable(codec), headers));
      }
      return routes;
    }
  }
}
