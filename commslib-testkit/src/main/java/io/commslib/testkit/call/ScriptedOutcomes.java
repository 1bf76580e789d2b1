package io.commslib.testkit.call;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.OutcomeClassifier;
import java.time.Duration;
import java.util.Optional;

/** The outcomes of a {@link ScriptedCallTransport}. Stateless. */
final class ScriptedOutcomes implements OutcomeClassifier<ScriptedAnswer> {

  private static final int MAX_DIGITS = 9;
  private static final CallOutcome UNUSABLE =
      CallOutcome.answered(CallStatus.UNKNOWN).withoutRetry();

  @Override
  public CallOutcome ofAnswer(ScriptedAnswer answer) {
    RemoteStep step = answer.step();
    CallOutcome outcome = CallOutcome.answered(step.status());
    if (outcome.isSuccess()) {
      return outcome;
    }
    Optional<Duration> advice = step.rawAdvice().flatMap(ScriptedOutcomes::parsed).or(step::advice);
    if (advice.isPresent()) {
      outcome = outcome.withRetryAfter(advice.get());
    }
    return step.isRetryable() || step.hasMalformedDetails() ? outcome : outcome.withoutRetry();
  }

  /** Seconds; a date has passed long ago, since scripts have no other use for one. */
  private static Optional<Duration> parsed(String text) {
    if (text.endsWith("GMT")) {
      return Optional.of(Duration.ZERO);
    }
    boolean isNumber = !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
    return isNumber
        ? Optional.of(
            Duration.ofSeconds(
                Long.parseLong(text.substring(0, Math.min(MAX_DIGITS, text.length())))))
        : Optional.empty();
  }

  @Override
  public CallOutcome ofFailure(Throwable failure) {
    return failure instanceof ScriptedCallTransport.TooLargeException
        ? UNUSABLE
        : OutcomeClassifier.plain().ofFailure(failure);
  }
}
