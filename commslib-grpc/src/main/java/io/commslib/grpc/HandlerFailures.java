package io.commslib.grpc;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.observe.FailureLog;
import io.commslib.core.time.TimeSource;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/**
 * Translates what a handler throws or ends with. The text and the stack of a failure are for the
 * log: they may name rows, hosts and content. Thread-safe.
 */
final class HandlerFailures {

  private final FailureLog log;
  private final Duration retryAfter;

  HandlerFailures(TimeSource time, Duration retryAfter) {
    this.log = new FailureLog(LoggerFactory.getLogger(GrpcServer.class), time);
    this.retryAfter = retryAfter;
  }

  /** The end of a call as its caller gets it. */
  record End(Status status, Metadata trailers) {
    static End of(GrpcProblem problem) {
      return new End(problem.grpcStatus(), problem.trailers());
    }

    /** Shows no text of the handler. */
    @Override
    public String toString() {
      return "End{" + status.getCode() + "}";
    }
  }

  /** The end of a handler that has thrown. */
  End thrown(Throwable failure, String method) {
    try {
      return known(failure, method);
    } catch (Throwable e) {
      // The methods of the failure itself fail, or there is no memory for its translation.
      return End.of(ServerProblems.handlerFailed());
    }
  }

  private End known(Throwable failure, String method) {
    Metadata trailers = Status.trailersFromThrowable(failure);
    Status status = Status.fromThrowable(failure);
    return isChosen(status)
        ? new End(status, trailers == null ? new Metadata() : trailers)
        : translated(failure, method);
  }

  /** The end of a handler that has ended its call. */
  End closed(Status status, Metadata trailers, String method) {
    Throwable cause = status.getCause();
    return status.isOk() || cause == null || isChosen(status)
        ? new End(status, trailers)
        : translated(cause, method);
  }

  /**
   * Whether the handler has chosen the status, so that the caller gets it. A status with the
   * failure of a call as its cause comes from a stub, and tells of hosts.
   */
  private static boolean isChosen(Status status) {
    Throwable cause = status.getCause();
    return status.getCode() == Status.Code.UNKNOWN
        ? cause == null
        : Failures.find(cause, CallException.class).isEmpty();
  }

  private End translated(Throwable failure, String method) {
    GrpcProblem problem = problem(failure);
    log.error(
        problem.code().orElse("")
            + ": "
            + problem.detail()
            + " ("
            + method
            + "): "
            + Failures.text(failure),
        failure);
    return End.of(problem);
  }

  private GrpcProblem problem(Throwable failure) {
    Optional<CallException> call = Failures.find(failure, CallException.class);
    if (call.isPresent()) {
      return ofCall(call.get().outcome());
    }
    if (Failures.isOutage(failure)) {
      return ServerProblems.dependencyFailed(CallStatus.UNAVAILABLE).build();
    }
    boolean isContention =
        Failures.known(failure).filter(e -> e.kind() == FailureKind.CONTENTION).isPresent();
    return isContention
        ? ServerProblems.dependencyFailed(CallStatus.UNAVAILABLE).retryAfter(retryAfter).build()
        : ServerProblems.handlerFailed();
  }

  /** A call whose own retries have ended forbids those of our caller: attempts would multiply. */
  private static GrpcProblem ofCall(CallOutcome outcome) {
    CallStatus status =
        outcome.status() == CallStatus.DEADLINE_EXCEEDED
            ? CallStatus.DEADLINE_EXCEEDED
            : CallStatus.UNAVAILABLE;
    GrpcProblem.Builder problem =
        ServerProblems.dependencyFailed(status).retryable(outcome.isRetryable());
    outcome.retryAfter().ifPresent(problem::retryAfter);
    return problem.build();
  }

  /** The handler has answered more often than its method permits. */
  GrpcProblem answeredTwice(String method) {
    GrpcProblem problem = ServerProblems.handlerFailed();
    log.error("COMMS-GRPC-106: the handler answered twice (" + method + ")", null);
    return problem;
  }

  /** A stored answer is none of its method. */
  void unreadable(Throwable failure, String method) {
    log.error("COMMS-GRPC-135: a stored answer can't be read (" + method + ")", failure);
  }

  /** Something failed after the end of a call, which changes nothing for its caller. */
  void afterEnd(Throwable failure, String method) {
    log.error("the handler failed after its answer (" + method + ")", failure);
  }
}
