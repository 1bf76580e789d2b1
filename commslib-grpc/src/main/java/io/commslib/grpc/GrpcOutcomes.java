package io.commslib.grpc;

import io.commslib.core.Failures;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.OutcomeClassifier;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;

/**
 * The outcome of an attempt over gRPC: status and certainty as the wire showed them, and the advice
 * of trailers. Texts are never read.
 */
final class GrpcOutcomes implements OutcomeClassifier<AttemptReply<?>> {

  static final GrpcOutcomes INSTANCE = new GrpcOutcomes();

  private static final CallOutcome FAILED =
      CallOutcome.of(CallStatus.UNKNOWN, SendCertainty.MAYBE_SENT).withoutRetry();

  /** A repetition would be refused in the same way. */
  private static final CallOutcome UNUSABLE =
      CallOutcome.answered(CallStatus.UNKNOWN).withoutRetry();

  private GrpcOutcomes() {}

  @Override
  public CallOutcome ofAnswer(AttemptReply<?> answer) {
    AttemptEnd end = answer.end();
    return end == null ? CallOutcome.answered(CallStatus.OK) : of(end);
  }

  @Override
  public CallOutcome ofFailure(Throwable failure) {
    // An interceptor below, or a message that can't be written, may throw anything.
    return Failures.find(failure, AttemptFailure.class).map(own -> of(own.end())).orElse(FAILED);
  }

  static CallOutcome of(AttemptEnd end) {
    CallStatus status = CallStatus.ofCode(end.status().getCode().value());
    if (end.certainty() != SendCertainty.ANSWERED) {
      return status == CallStatus.OK
          ? CallOutcome.of(CallStatus.UNKNOWN, end.certainty())
          : unanswered(end.status(), status, end.certainty());
    }
    CallOutcome outcome = CallOutcome.answered(status);
    if (status == CallStatus.OK) {
      return outcome;
    }
    if (GrpcErrors.isUnusable(end.status())) {
      return UNUSABLE;
    }
    Optional<GrpcProblem> problem = GrpcProblem.of(end.trailers());
    Optional<Duration> advice = problem.flatMap(GrpcProblem::retryAfter);
    boolean isForbidden = problem.isPresent() && !problem.get().isRetryable();
    String pushback = end.trailers().get(GrpcHeaders.PUSHBACK);
    if (pushback != null) {
      Optional<Duration> wait = Pushback.parse(pushback);
      isForbidden |= wait.isEmpty();
      advice = wait.isPresent() ? wait : advice;
    }
    if (advice.isPresent()) {
      outcome = outcome.withRetryAfter(advice.get());
    }
    return isForbidden ? outcome.withoutRetry() : outcome;
  }

  /**
   * A limit of this side, an interceptor below that ends the call, or a refusal of a proxy would be
   * met again. Only what may pass by itself is worth another attempt.
   */
  private static CallOutcome unanswered(Status end, CallStatus status, SendCertainty certainty) {
    CallOutcome outcome = CallOutcome.of(status, certainty);
    return switch (end.getCode()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, ABORTED, UNKNOWN, INTERNAL -> outcome;
      default -> outcome.withoutRetry();
    };
  }
}
