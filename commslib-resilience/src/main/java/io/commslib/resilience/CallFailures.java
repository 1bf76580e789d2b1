package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Refusal;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The failures of calls, with their codes. */
final class CallFailures {

  private CallFailures() {}

  static CallException of(
      CallTarget target,
      CallOutcome outcome,
      @Nullable Refusal refusal,
      int attempts,
      long timeoutNanos,
      long elapsedNanos,
      boolean retriesAreOurs,
      boolean isOnThread,
      @Nullable Throwable cause) {
    CallException.Builder failure =
        CallException.builder(
                code(outcome, refusal),
                reason(outcome, refusal, attempts, isOnThread),
                target,
                // A caller that repeats calls too would multiply the attempts.
                retriesAreOurs || !target.idempotency().isRepeatable()
                    ? outcome.withoutRetry()
                    : outcome)
            .attempts(attempts)
            .timeout(Duration.ofNanos(timeoutNanos))
            .elapsed(Duration.ofNanos(elapsedNanos));
    if (refusal != null) {
      failure.refusal(refusal);
    }
    if (cause != null) {
      failure.cause(cause);
    }
    return failure.build();
  }

  private static String code(CallOutcome outcome, @Nullable Refusal refusal) {
    if (refusal != null) {
      return switch (refusal) {
        case DEADLINE -> "COMMS-CALL-002";
        case BREAKER -> "COMMS-CALL-003";
        case RATE_LIMITER -> "COMMS-CALL-004";
        case BULKHEAD -> "COMMS-CALL-005";
        case DRAINED -> "COMMS-CALL-007";
        case ENDPOINT -> "COMMS-CALL-008";
      };
    }
    return switch (outcome.status()) {
      case DEADLINE_EXCEEDED -> "COMMS-CALL-002";
      case CANCELLED -> "COMMS-CALL-006";
      default -> "COMMS-CALL-001";
    };
  }

  private static String reason(
      CallOutcome outcome, @Nullable Refusal refusal, int attempts, boolean isOnThread) {
    if (refusal != null) {
      return switch (refusal) {
        case DEADLINE -> "no time is left for an attempt";
        case BREAKER -> "the circuit breaker is open";
        case RATE_LIMITER -> "the rate limiter has no token";
        case BULKHEAD -> "the bulkhead has no free slot";
        case ENDPOINT -> "the remote has no endpoint";
        case DRAINED -> "the calls of this process have ended";
      };
    }
    if (outcome.isInjected()) {
      return "a fault was injected";
    }
    if (outcome.status() == CallStatus.CANCELLED) {
      return isOnThread ? "the thread was interrupted" : "the call was cancelled";
    }
    if (outcome.status() == CallStatus.DEADLINE_EXCEEDED) {
      return attempts == 0
          ? "the call that is shared did not end in time"
          : "the attempt overran its time";
    }
    return outcome.certainty() == SendCertainty.NOT_SENT
        ? "the remote was not reached"
        : "the remote gave no answer";
  }

  /** Throws an exception of the work as the type that the caller has declared. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> E unchecked(Throwable failure) throws E {
    if (failure instanceof Error error) {
      throw error;
    }
    throw (E) failure;
  }
}
