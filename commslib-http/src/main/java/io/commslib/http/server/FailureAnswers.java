package io.commslib.http.server;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.observe.FailureLog;
import io.commslib.core.time.TimeSource;
import io.commslib.http.HttpAnswerException;
import io.commslib.http.Problem;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Translates what a handler throws. The text and the stack of a failure are for the log: they may
 * name rows, hosts and content. Thread-safe.
 */
final class FailureAnswers {

  private final FailureLog log;

  private final Duration retryAfter;

  FailureAnswers(TimeSource time, Duration retryAfter) {
    this.retryAfter = retryAfter;
    this.log = new FailureLog(LoggerFactory.getLogger(HttpRoutes.class), time);
  }

  /** The problem of a failure whose handler has not overrun its time. */
  Problem of(Throwable failure, String operation, Optional<Duration> stopping) {
    if (stopping.isPresent() && Failures.isInterrupt(failure)) {
      return ServerProblems.stopping(stopping.get());
    }
    Problem problem = problem(failure);
    return logged(problem, operation, failure, failure);
  }

  /** Logs the text of a failure, and a stack trace if one is given. */
  private Problem logged(
      Problem problem, String operation, Throwable failure, @Nullable Throwable stack) {
    String text = problem.code().orElse("") + ": " + problem.detail() + " (" + operation + "): ";
    log.error(text + Failures.text(failure), stack);
    return problem;
  }

  private Problem problem(Throwable failure) {
    Optional<CallException> call = Failures.find(failure, CallException.class);
    if (call.isPresent()) {
      return ofCall(call.get().outcome());
    }
    Optional<HttpAnswerException> answer = Failures.find(failure, HttpAnswerException.class);
    if (answer.isPresent() && Failures.isOutage(answer.get())) {
      return ofCall(outcome(answer.get()));
    }
    if (Failures.isOutage(failure)) {
      return ServerProblems.dependencyFailed(503).build();
    }
    if (answer.isEmpty()) {
      FailureKind kind = kind(failure);
      if (kind == FailureKind.CONTENTION) {
        return ServerProblems.dependencyFailed(503).retryAfter(retryAfter).build();
      }
      if (kind == FailureKind.TRANSIENT) {
        return ServerProblems.dependencyFailed(503).build();
      }
    }
    return Failures.find(failure, UnusableResultException.class)
        .map(UnusableResultException::problem)
        .orElseGet(ServerProblems::handlerFailed);
  }

  /**
   * The kind of a failure; that of the library decides, else that of JDBC. After contention a
   * concurrent request has won a race, so that the same request mostly succeeds when repeated.
   */
  private static FailureKind kind(Throwable failure) {
    Optional<FailureKind> known = Failures.known(failure).map(CommsException::kind);
    return known.or(() -> DatabaseFailures.kind(failure)).orElse(FailureKind.PERMANENT);
  }

  /** A failing answer is that of the last attempt, so what may be repeated was repeated already. */
  private static CallOutcome outcome(HttpAnswerException failure) {
    CallOutcome outcome = failure.outcome();
    return failure.target().idempotency().isRepeatable() ? outcome.withoutRetry() : outcome;
  }

  /** A call whose own retries have ended forbids those of our caller: attempts would multiply. */
  private static Problem ofCall(CallOutcome outcome) {
    int status = outcome.status() == CallStatus.DEADLINE_EXCEEDED ? 504 : 503;
    Problem.Builder problem =
        ServerProblems.dependencyFailed(status).retryable(outcome.isRetryable());
    outcome.retryAfter().ifPresent(problem::retryAfter);
    return problem.build();
  }

  /** A limiter of the user has failed after the handler. */
  void ofLimiter(Throwable failure) {
    log.error("the limiter failed: " + Failures.text(failure), failure);
  }

  /** The handler has overrun its time and then failed. */
  Problem overran(Throwable failure, String operation) {
    return logged(ServerProblems.overran(), operation, failure, null);
  }
}
