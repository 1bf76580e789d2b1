package io.commslib.testkit.call;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTransport;
import java.time.Duration;
import java.util.function.UnaryOperator;

/** Faults in what a transport states about the end of an attempt. */
final class OutcomeFaults {

  private static final Duration INVENTED = Duration.ofMillis(1);
  private static final Duration STRETCHED = Duration.ofSeconds(6);

  private OutcomeFaults() {}

  private static CallTransport<String, ScriptedAnswer> changing(
      ScriptedCallTransport healthy, UnaryOperator<CallOutcome> fault) {
    return new ForwardingCallTransport(healthy) {
      @Override
      CallOutcome changed(CallOutcome outcome) {
        return fault.apply(outcome);
      }
    };
  }

  private static CallOutcome failure(CallOutcome like, CallStatus status, SendCertainty certainty) {
    CallOutcome changed = CallOutcome.of(status, certainty);
    if (like.retryAfter().isPresent()) {
      changed = changed.withRetryAfter(like.retryAfter().get());
    }
    return like.isRetryable() ? changed : changed.withoutRetry();
  }

  private static CallOutcome certain(CallOutcome outcome, SendCertainty certainty) {
    return outcome.isSuccess() ? outcome : failure(outcome, outcome.status(), certainty);
  }

  static CallTransport<String, ScriptedAnswer> hidesCertainty(ScriptedCallTransport healthy) {
    return changing(healthy, outcome -> certain(outcome, SendCertainty.MAYBE_SENT));
  }

  static CallTransport<String, ScriptedAnswer> claimsNotSent(ScriptedCallTransport healthy) {
    return changing(healthy, outcome -> certain(outcome, SendCertainty.NOT_SENT));
  }

  static CallTransport<String, ScriptedAnswer> takesRejectionsForOutages(
      ScriptedCallTransport healthy) {
    return changing(
        healthy,
        outcome ->
            outcome.isSuccess() || outcome.certainty() != SendCertainty.ANSWERED
                ? outcome
                : CallOutcome.answered(CallStatus.UNAVAILABLE));
  }

  static CallTransport<String, ScriptedAnswer> takesOutagesForRejections(
      ScriptedCallTransport healthy) {
    return changing(
        healthy,
        outcome ->
            outcome.isCalleeFailure()
                ? CallOutcome.answered(CallStatus.INVALID_ARGUMENT)
                : outcome);
  }

  static CallTransport<String, ScriptedAnswer> takesAnswersForFailures(
      ScriptedCallTransport healthy) {
    return changing(
        healthy,
        outcome -> outcome.isSuccess() ? CallOutcome.answered(CallStatus.UNAVAILABLE) : outcome);
  }

  static CallTransport<String, ScriptedAnswer> forbidsRepetitions(ScriptedCallTransport healthy) {
    return changing(healthy, outcome -> outcome.isSuccess() ? outcome : outcome.withoutRetry());
  }

  static CallTransport<String, ScriptedAnswer> ignoresStopSignals(ScriptedCallTransport healthy) {
    return changing(
        healthy,
        outcome ->
            outcome.isRetryable() || outcome.isSuccess()
                ? outcome
                : CallOutcome.of(outcome.status(), outcome.certainty()));
  }

  static CallTransport<String, ScriptedAnswer> inventsAdvice(ScriptedCallTransport healthy) {
    return changing(
        healthy,
        outcome ->
            outcome.isSuccess() || outcome.retryAfter().isPresent()
                ? outcome
                : outcome.withRetryAfter(INVENTED));
  }

  static CallTransport<String, ScriptedAnswer> losesAdvice(ScriptedCallTransport healthy) {
    return changing(
        healthy,
        outcome -> {
          CallOutcome bare = CallOutcome.of(outcome.status(), outcome.certainty());
          return outcome.isRetryable() ? bare : bare.withoutRetry();
        });
  }

  static CallTransport<String, ScriptedAnswer> stretchesAdvice(ScriptedCallTransport healthy) {
    return changing(
        healthy,
        outcome -> outcome.retryAfter().isPresent() ? outcome.withRetryAfter(STRETCHED) : outcome);
  }

  static CallTransport<String, ScriptedAnswer> chokesOnDetails(ScriptedCallTransport healthy) {
    return new ForwardingCallTransport(healthy) {
      @Override
      CallOutcome answered(ScriptedAnswer answer, CallOutcome outcome) {
        return answer.step().hasMalformedDetails()
            ? CallOutcome.answered(CallStatus.UNKNOWN)
            : outcome;
      }
    };
  }
}
