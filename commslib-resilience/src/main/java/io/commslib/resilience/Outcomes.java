package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.OutcomeClassifier;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** The outcomes that the engine itself determines. */
final class Outcomes {

  /** Stands for no outcome, where a change has another cause. */
  static final CallOutcome NONE = CallOutcome.answered(CallStatus.OK);

  static final CallOutcome TIMED_OUT =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT);

  static final CallOutcome INTERRUPTED =
      CallOutcome.of(CallStatus.CANCELLED, SendCertainty.MAYBE_SENT);

  static final CallOutcome NOT_STARTED_IN_TIME =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.NOT_SENT).withoutRetry();

  static final CallOutcome EXPIRED =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.NOT_SENT);

  static final CallOutcome DRAINED =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT).withoutRetry();

  static final CallOutcome CANCELLED_BEFORE =
      CallOutcome.of(CallStatus.CANCELLED, SendCertainty.NOT_SENT);

  static final CallOutcome NO_ENDPOINT =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT);

  static final CallOutcome EXHAUSTED =
      CallOutcome.of(CallStatus.RESOURCE_EXHAUSTED, SendCertainty.NOT_SENT);

  /** Of an attempt whose classifier failed. */
  static final CallOutcome UNCLASSIFIED =
      CallOutcome.of(CallStatus.UNKNOWN, SendCertainty.MAYBE_SENT).withoutRetry();

  private Outcomes() {}

  /**
   * Classifies the end of an attempt that did not overrun its time.
   *
   * @param isStage whether a stage has ended, which may have been cancelled
   * @throws RuntimeException or an error of the classifier; null of it is one too
   */
  // A successful attempt may have returned null, if its type permits it.
  @SuppressWarnings("NullAway")
  static <T extends @Nullable Object> CallOutcome of(
      OutcomeClassifier<? super T> classifier,
      @Nullable T answer,
      @Nullable Throwable thrown,
      boolean isStage) {
    if (thrown instanceof InterruptedException
        || (isStage && thrown instanceof CancellationException)) {
      return INTERRUPTED;
    }
    CallOutcome outcome =
        thrown == null ? classifier.ofAnswer(answer) : classifier.ofFailure(thrown);
    return Objects.requireNonNull(outcome, "outcome");
  }

  /** The outcome of a call whose last attempt was not sent, but perhaps an earlier one. */
  static CallOutcome afterSending(CallOutcome last) {
    CallOutcome known = CallOutcome.of(last.status(), SendCertainty.MAYBE_SENT);
    if (last.retryAfter().isPresent()) {
      known = known.withRetryAfter(last.retryAfter().get());
    }
    known = last.isInjected() ? known.asInjected() : known;
    return last.isRetryable() ? known : known.withoutRetry();
  }
}
