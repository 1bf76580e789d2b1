package io.commslib.http.server;

import io.commslib.core.Failures;
import io.commslib.core.call.CallContext;
import io.commslib.core.time.TimeSource;
import io.commslib.http.Problem;
import java.util.List;
import java.util.Map;

/**
 * One request from its arrival until its answer has left. It holds its place in the limit and is
 * watched all the time. Confined to one thread.
 */
final class RequestRun implements AutoCloseable {

  private final Serving serving;
  private final TimeSource time;
  private final long beginNanos;
  private final RequestWatch.Watched watched;
  private final boolean admitted;

  /** Of all answers of the route that was found. */
  private Map<String, List<String>> routeHeaders = Map.of();

  private String operation = "no route";
  private long deadlineNanos;
  private boolean overran;

  RequestRun(Serving serving) {
    this.serving = serving;
    this.time = serving.runtime().time();
    this.beginNanos = time.nanoTime();
    serving.open().begin();
    this.deadlineNanos = beginNanos + serving.maxTimeout().toNanos();
    this.watched = serving.watch().begin(beginNanos + serving.idleNanos());
    this.admitted = !serving.isStopping() && serving.limit().tryAcquire();
  }

  /** Handles the request. Never throws, unless the answer itself can't be made. */
  ServerAnswer answer(ServerRequest request) {
    ServerAnswer answer;
    try {
      answer = handled(request);
    } catch (Throwable e) {
      // First of all: an interrupt must not reach the writing of the log either.
      endOfHandler();
      answer = failed(e);
    }
    endOfHandler();
    ServerAnswer whole = answer.with(routeHeaders);
    if (serving.isStopping()) {
      whole = whole.with(Map.of("Connection", List.of("close")));
    }
    return "HEAD".equals(request.method()) ? whole.withoutBody() : whole;
  }

  private void endOfHandler() {
    overran |= watched.next(time.nanoTime() + serving.idleNanos()) && isOver();
  }

  private ServerAnswer failed(Throwable failure) {
    ServerAnswer answer = rendered(failure);
    return Failures.jvmFailure(failure).map(answer::after).orElse(answer);
  }

  private ServerAnswer rendered(Throwable failure) {
    ProblemException problem =
        failure instanceof ProblemException thrown ? thrown : new ProblemException(of(failure));
    HttpAnswer answer = HttpAnswer.problem(problem.problem());
    return ServerAnswer.of(answer.status(), answer.headers(), problem.problem().toJson())
        .with(Map.of("Content-Type", List.of(Problem.MEDIA_TYPE)))
        .with(problem.headers());
  }

  private Problem of(Throwable failure) {
    if (overran) {
      return serving.failures().overran(failure, operation);
    }
    return serving.failures().of(failure, operation, serving.stoppingAdvice());
  }

  private ServerAnswer handled(ServerRequest request) throws Exception {
    if (!admitted) {
      throw new ProblemException(serving.refusal());
    }
    if (request.method().equals("OPTIONS")) {
      return options(request);
    }
    RouteTable.Match match = serving.table().find(request.method(), request.rawPath());
    Route route = match.route();
    operation = route.template().toString();
    serving.repeated().arrived(request);
    routeHeaders = route.headers();
    deadlineNanos = beginNanos + CallerTime.of(request, serving.maxTimeout()).toNanos();
    checkTime();
    byte[] body = body(request, route);
    checkTime();
    RouteRequest routed =
        new RouteRequest(request, operation, match.variables(), this::endOfHandler);
    watched.next(deadlineNanos);
    // Most handlers call no other service, and then the fields of the trace need not be read.
    long deadline = deadlineNanos;
    CallContext before = CallContext.attachLazily(() -> CallerContext.of(request, deadline, time));
    try {
      return serving
          .handlers()
          .run(() -> route.invocation().invoke(routed, body), deadline, serving::refusal);
    } finally {
      before.restore();
    }
  }

  private boolean isOver() {
    return deadlineNanos - time.nanoTime() <= 0;
  }

  private void checkTime() {
    if (isOver()) {
      throw new ProblemException(ServerProblems.expired());
    }
  }

  private byte[] body(ServerRequest request, Route route) {
    if (!route.hasBody()) {
      return new byte[0];
    }
    route.checkMediaType(request);
    return serving.bodies().read(request, deadlineNanos, watched);
  }

  private ServerAnswer options(ServerRequest request) {
    Map<String, List<String>> allow =
        Map.of("Allow", List.of(String.join(", ", serving.table().allowed(request.rawPath()))));
    if (allow.equals(Map.of("Allow", List.of("")))) {
      throw new ProblemException(ServerProblems.noRoute());
    }
    return ServerAnswer.of(204, allow, new byte[0]);
  }

  /** Gives the answer more time, because the caller has taken a part of it. */
  void progress() {
    watched.renew(time.nanoTime() + serving.idleNanos());
  }

  @Override
  public void close() {
    watched.close();
    if (admitted) {
      serving.limit().release();
    }
    serving.open().end();
  }
}
