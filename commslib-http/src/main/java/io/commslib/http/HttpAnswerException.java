package io.commslib.http;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A remote has answered, and the answer is a failure or can't be used: {@code COMMS-HTTP-001} for a
 * status of 400 and above or a redirect, {@code -002} for an answer over the bound, {@code -003}
 * for one of another media type or that the codec can't read, and {@code -004} for a streamed one
 * that was cut before its end. The text contains neither the body nor texts of the problem details;
 * these are in {@link #problem()}.
 */
public final class HttpAnswerException extends CommsException {

  private static final long serialVersionUID = 1L;

  /** The status code of the answer, or 0. */
  private final int status;

  private final transient CallTarget target;
  private final transient CallOutcome outcome;
  private final transient @Nullable Problem problem;

  HttpAnswerException(
      String code,
      String reason,
      int status,
      CallTarget target,
      CallOutcome outcome,
      @Nullable Problem problem,
      @Nullable Throwable cause) {
    super(code, kind(outcome), reason + " (" + target + ", " + outcome + ")", cause);
    this.status = status;
    this.target = target;
    this.outcome = outcome;
    this.problem = problem;
  }

  private static FailureKind kind(CallOutcome outcome) {
    return switch (outcome.status()) {
      case UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED -> FailureKind.TRANSIENT;
      case ABORTED -> FailureKind.CONTENTION;
      default -> FailureKind.PERMANENT;
    };
  }

  /** {@return the status code of the answer, 0 if the answer was cut before its end} */
  public int status() {
    return status;
  }

  /** {@return what was called} */
  public CallTarget target() {
    return target;
  }

  /** {@return the outcome, with the advice of the remote} */
  public CallOutcome outcome() {
    return outcome;
  }

  /** {@return the problem details of the answer, or empty if it has none that can be read} */
  public Optional<Problem> problem() {
    return Optional.ofNullable(problem);
  }
}
