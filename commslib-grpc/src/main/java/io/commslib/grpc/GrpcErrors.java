package io.commslib.grpc;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** Translates the failures of calls to what a stub throws. */
final class GrpcErrors {

  private static final String WRONG_OPTION = "COMMS-GRPC-004";

  private GrpcErrors() {}

  static GrpcCallsException foreignRetryPolicy() {
    return new GrpcCallsException(
        "COMMS-GRPC-001",
        "service config: has a retryPolicy or hedgingPolicy (expected: none, since the calls are"
            + " repeated by the policy of their service)",
        null);
  }

  static GrpcCallsException foreignRetries() {
    return new GrpcCallsException(
        "COMMS-GRPC-002",
        "the service config of the channel has a retry or hedging policy (expected: none, since"
            + " the calls are repeated by the policy of their service)",
        null);
  }

  /** An option of a stub that breaks its rule, which the failure names with its value. */
  static GrpcCallsException wrongOption(IllegalArgumentException failure) {
    return new GrpcCallsException(WRONG_OPTION, String.valueOf(failure.getMessage()), failure);
  }

  /** The failure of a call that its caller has cancelled. */
  static CallException cancelled(
      String reason, CallTarget target, int attempts, @Nullable Throwable cause) {
    CallOutcome outcome = CallOutcome.of(CallStatus.CANCELLED, certainty(attempts));
    return failure("COMMS-CALL-006", reason, outcome, target, attempts, cause);
  }

  /** The end of a call whose answer its caller has not asked for before the deadline. */
  static Status notAskedFor(CallTarget target, int attempts) {
    CallException late =
        failure(
            "COMMS-CALL-002",
            "the answer was not asked for in time",
            CallOutcome.answered(CallStatus.DEADLINE_EXCEEDED),
            target,
            attempts,
            null);
    return Status.DEADLINE_EXCEEDED.withDescription(late.getMessage()).withCause(late);
  }

  private static SendCertainty certainty(int attempts) {
    return attempts > 0 ? SendCertainty.MAYBE_SENT : SendCertainty.NOT_SENT;
  }

  private static CallException failure(
      String code,
      String reason,
      CallOutcome outcome,
      CallTarget target,
      int attempts,
      @Nullable Throwable cause) {
    CallException.Builder failure =
        CallException.builder(code, reason, target, outcome).attempts(attempts);
    return (cause == null ? failure : failure.cause(cause)).build();
  }

  /** The end of a call whose answer this side refuses to read. */
  static Status unusableAnswer(Status status) {
    GrpcCallsException failure =
        new GrpcCallsException(
            "COMMS-GRPC-003",
            "answer: can't be read (expected: a message of the method, within the channel's"
                + " maxInboundMessageSize)",
            status.getCause());
    Status known = status.getCode() == Status.Code.CANCELLED ? Status.INTERNAL : status;
    return known.withDescription(failure.getMessage()).withCause(failure);
  }

  static boolean isUnusable(Status status) {
    return Failures.find(status.getCause(), GrpcCallsException.class).isPresent();
  }

  /**
   * Returns the end of a call without an answer. The description has the code of the failure, and
   * the cause is the failure itself.
   *
   * @param last the last end that the wire has shown, or null
   */
  static AttemptEnd end(
      Throwable failure, @Nullable AttemptEnd last, CallTarget target, int attempts) {
    Optional<CallException> call = Failures.find(failure, CallException.class);
    if (call.isPresent()) {
      return ofCall(call.get(), last);
    }
    if (Failures.find(failure, CancellationException.class).isPresent()) {
      return local(Status.CANCELLED.withDescription("the call was cancelled").withCause(failure));
    }
    return Failures.known(failure)
        .map(GrpcErrors::refused)
        .orElseGet(() -> failedHere(Failures.unwrapped(failure), target, attempts));
  }

  /** An error of code on this side, such as that of an interceptor, or a wrong option of a stub. */
  private static AttemptEnd failedHere(Throwable failure, CallTarget target, int attempts) {
    CallException call =
        failure(
            "COMMS-CALL-001",
            "the call failed on this side",
            CallOutcome.of(CallStatus.UNKNOWN, certainty(attempts)).withoutRetry(),
            target,
            attempts,
            failure);
    return local(Status.UNKNOWN.withDescription(call.getMessage()).withCause(call));
  }

  private static AttemptEnd refused(CommsException failure) {
    Status status =
        failure.code().equals(WRONG_OPTION) ? Status.INVALID_ARGUMENT : Status.FAILED_PRECONDITION;
    return local(status.withDescription(failure.getMessage()).withCause(failure));
  }

  private static AttemptEnd ofCall(CallException call, @Nullable AttemptEnd last) {
    Optional<GrpcCallsException> own = Failures.find(call, GrpcCallsException.class);
    if (own.isPresent()) {
      return refused(own.get());
    }
    boolean isOfAttempt =
        call.refusal().isEmpty() && Failures.find(call, AttemptFailure.class).isPresent();
    // A policy that refuses a repetition must not hide why there was one.
    boolean isHidden = call.refusal().isPresent() && call.attempts() > 0 && last != null;
    if (last != null && (isOfAttempt || isHidden)) {
      String text = last.status().getDescription();
      return new AttemptEnd(
          last.status()
              .withDescription(call.getMessage() + (text == null ? "" : ": " + text))
              .withCause(call),
          last.trailers(),
          last.certainty());
    }
    return local(
        Status.fromCodeValue(call.outcome().status().code())
            .withDescription(call.getMessage())
            .withCause(call));
  }

  private static AttemptEnd local(Status status) {
    return new AttemptEnd(status, new Metadata(), SendCertainty.NOT_SENT);
  }
}
