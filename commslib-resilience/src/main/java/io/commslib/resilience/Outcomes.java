package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;

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
