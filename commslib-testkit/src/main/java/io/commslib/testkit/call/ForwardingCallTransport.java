package io.commslib.testkit.call;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTransport;
import io.commslib.core.call.OutcomeClassifier;
import java.io.IOException;

/** Passes everything on to a healthy transport. Saboteurs override a part. */
class ForwardingCallTransport implements CallTransport<String, ScriptedAnswer> {

  final ScriptedCallTransport healthy;

  ForwardingCallTransport(ScriptedCallTransport healthy) {
    this.healthy = healthy;
  }

  @Override
  public ScriptedAnswer send(String request, CallContext attempt)
      throws IOException, InterruptedException {
    return healthy.send(request, attempt);
  }

  /** Changes the outcome of an answer. */
  CallOutcome answered(ScriptedAnswer answer, CallOutcome outcome) {
    return changed(outcome);
  }

  /** Changes the outcome of a failure. */
  CallOutcome failed(Throwable failure, CallOutcome outcome) {
    return changed(outcome);
  }

  /** Changes any outcome. */
  CallOutcome changed(CallOutcome outcome) {
    return outcome;
  }

  @Override
  public final OutcomeClassifier<ScriptedAnswer> outcomes() {
    OutcomeClassifier<ScriptedAnswer> outcomes = healthy.outcomes();
    return new OutcomeClassifier<>() {
      @Override
      public CallOutcome ofAnswer(ScriptedAnswer answer) {
        return answered(answer, outcomes.ofAnswer(answer));
      }

      @Override
      public CallOutcome ofFailure(Throwable failure) {
        return failed(failure, outcomes.ofFailure(failure));
      }
    };
  }
}
