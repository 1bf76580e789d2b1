package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.OutcomeClassifier;

/** Work and classifiers for the tests of calls. */
final class CallRules {

  private CallRules() {}

  /** A failure that states its own outcome. */
  static final class Failed extends Exception {
    private static final long serialVersionUID = 1L;
    final transient CallOutcome outcome;

    Failed(CallOutcome outcome) {
      super(outcome.toString());
      this.outcome = outcome;
    }
  }

  static Failed failed(CallStatus status, SendCertainty certainty) {
    return new Failed(CallOutcome.of(status, certainty));
  }

  /** Throws any throwable where only unchecked ones are declared. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> RuntimeException sneaky(Throwable any) throws E {
    throw (E) any;
  }

  static Failed unavailable() {
    return failed(CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
  }

  /** Answers are successes; a {@link Failed} has its own outcome. */
  static final OutcomeClassifier<Object> BY_FAILURE =
      new OutcomeClassifier<>() {
        @Override
        public CallOutcome ofAnswer(Object answer) {
          return CallOutcome.answered(CallStatus.OK);
        }

        @Override
        public CallOutcome ofFailure(Throwable failure) {
          return failure instanceof Failed failed
              ? failed.outcome
              : OutcomeClassifier.plain().ofFailure(failure);
        }
      };
}
