package io.commslib.http.server;

import io.commslib.core.time.CommsRuntime;
import io.commslib.http.Problem;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** The parts that all requests of some routes use. Thread-safe. */
final class Serving {
  private final CommsRuntime runtime;
  private final RouteTable table;
  private final RequestWatch watch;
  private final InFlightLimit limit;
  private final OpenRequests open = new OpenRequests();
  private final FailureAnswers failures;
  private final HandlerLimit handlers;
  private final BodyReader bodies;
  private final Duration maxTimeout;
  private final Duration idleTime;
  private final Duration retryAfter;
  private final int maxInFlight;
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong refusedByStop = new AtomicLong();
  private final RepeatedAttempts repeated = new RepeatedAttempts();
  private volatile boolean stopping;

  Serving(HttpRoutes.Builder from) {
    this.runtime = from.runtime;
    this.table = new RouteTable(from.routes());
    this.watch = new RequestWatch(runtime);
    this.limit = new InFlightLimit(from.maxInFlight);
    this.failures = new FailureAnswers(runtime.time(), from.retryAfter);
    this.handlers = new HandlerLimit(from.limiter, failures, runtime.time());
    this.bodies = new BodyReader(from.maxBodyBytes, from.idleTime, runtime.time());
    this.maxTimeout = from.maxTimeout;
    this.idleTime = from.idleTime;
    this.retryAfter = from.retryAfter;
    this.maxInFlight = from.maxInFlight;
  }

  CommsRuntime runtime() {
    return runtime;
  }

  RouteTable table() {
    return table;
  }

  RequestWatch watch() {
    return watch;
  }

  InFlightLimit limit() {
    return limit;
  }

  HandlerLimit handlers() {
    return handlers;
  }

  OpenRequests open() {
    return open;
  }

  FailureAnswers failures() {
    return failures;
  }

  BodyReader bodies() {
    return bodies;
  }

  Duration maxTimeout() {
    return maxTimeout;
  }

  long idleNanos() {
    return idleTime.toNanos();
  }

  boolean isStopping() {
    return stopping;
  }

  Optional<Duration> stoppingAdvice() {
    return stopping ? Optional.of(retryAfter) : Optional.empty();
  }

  void stop() {
    stopping = true;
  }

  int maxInFlight() {
    return maxInFlight;
  }

  RepeatedAttempts repeated() {
    return repeated;
  }

  long refused() {
    return refused.get();
  }

  long refusedByStop() {
    return refusedByStop.get();
  }

  /** The reason why a request was not admitted. */
  Problem refusal() {
    if (stopping) {
      refusedByStop.incrementAndGet();
      return ServerProblems.stopping(retryAfter);
    }
    refused.incrementAndGet();
    return ServerProblems.overloaded(maxInFlight, "the server's maxInFlight", retryAfter);
  }

  /** The refusal of a request by the limiter. */
  ProblemException refusal(int limit) {
    refused.incrementAndGet();
    return new ProblemException(
        ServerProblems.overloaded(limit, "the server's limiter now", retryAfter));
  }
}
