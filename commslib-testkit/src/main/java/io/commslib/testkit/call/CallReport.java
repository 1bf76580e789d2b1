package io.commslib.testkit.call;

import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.Refusal;
import java.util.Optional;

/**
 * The end of a call as its caller sees it. Immutable value.
 *
 * @param outcome the outcome of the call
 * @param refusal the policy on the caller's side that refused it, or empty
 * @param answer the content of the answer, empty for a failure
 */
public record CallReport(CallOutcome outcome, Optional<Refusal> refusal, String answer) {

  /**
   * Returns the report of a call that was answered.
   *
   * @param outcome the outcome of the answer
   * @param answer its content
   * @return the report
   */
  public static CallReport answered(CallOutcome outcome, String answer) {
    return new CallReport(outcome, Optional.empty(), answer);
  }

  /**
   * Returns the report of a call without an answer.
   *
   * @param failure the failure that its caller got
   * @return the report
   */
  public static CallReport failed(CallException failure) {
    return new CallReport(failure.outcome(), failure.refusal(), "");
  }
}
