package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.testkit.call.RemoteStep.Kind;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on which attempts are repeated. */
abstract class RepetitionChapter extends CallFixture {

  private static final List<CallStatus> REJECTIONS =
      List.of(
          CallStatus.INVALID_ARGUMENT,
          CallStatus.NOT_FOUND,
          CallStatus.PERMISSION_DENIED,
          CallStatus.UNAUTHENTICATED,
          CallStatus.FAILED_PRECONDITION,
          CallStatus.ABORTED,
          CallStatus.UNIMPLEMENTED,
          CallStatus.INTERNAL);

  @Test
  @DisplayName("What was not sent is repeated, whatever the idempotency")
  @SabotagedBy(CallSaboteur.HIDES_CERTAINTY)
  void notSentIsAlwaysRepeated() {
    for (Idempotency each : Idempotency.values()) {
      assertOk(call(each, of(Kind.REFUSE)));
    }
    assertThat(arrivals()).isEqualTo(Idempotency.values().length);
  }

  @Test
  @DisplayName("Without idempotency a lost answer is not repeated")
  @SabotagedBy({CallSaboteur.CLAIMS_NOT_SENT, CallSaboteur.REPEATS_AFTER_FAILURES})
  void onlyNotSentIsRepeatedWithoutIdempotency() {
    harness.always(of(Kind.RESET));
    assertThat(call(Idempotency.NON_IDEMPOTENT).outcome().isSuccess()).isFalse();
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("Without idempotency a timeout is not repeated")
  @SabotagedBy(CallSaboteur.REPEATS_AFTER_TIMEOUTS)
  void aTimedOutAttemptIsNotRepeatedWithoutIdempotency() {
    harness.policy(impatient().build());
    call(Idempotency.NON_IDEMPOTENT, of(Kind.SILENCE));
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("Without idempotency UNAVAILABLE is not repeated")
  @SabotagedBy(CallSaboteur.CLAIMS_NOT_SENT)
  void unavailableIsNotRepeatedWithoutIdempotency() {
    harness.always(unavailable());
    assertThat(call(Idempotency.NON_IDEMPOTENT).outcome().isSuccess()).isFalse();
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("A gateway's timeout is not NOT_SENT: without idempotency it is not repeated")
  @SabotagedBy(CallSaboteur.CLAIMS_NOT_SENT)
  void gatewayTimeoutIsNotNotSent() {
    harness.always(RemoteStep.failure(CallStatus.DEADLINE_EXCEEDED));
    call(Idempotency.NON_IDEMPOTENT);
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("SAFE, IDEMPOTENT and KEYED calls repeat a lost answer")
  @SabotagedBy({CallSaboteur.FORBIDS_REPETITIONS, CallSaboteur.NEVER_RETRIES})
  void aLostAnswerIsRepeatedWhereHarmless() {
    for (Idempotency each : REPEATABLE) {
      assertOk(call(each, of(Kind.RESET)));
    }
    assertThat(arrivals()).isEqualTo(2 * REPEATABLE.size());
  }

  @Test
  @DisplayName("SAFE, IDEMPOTENT and KEYED calls repeat an answer that was cut short")
  @SabotagedBy(CallSaboteur.TAKES_A_PART_FOR_THE_ANSWER)
  void anAnswerCutShortIsRepeatedWhereHarmless() {
    for (Idempotency each : REPEATABLE) {
      assertOk(call(each, of(Kind.CUT)));
    }
    assertThat(arrivals()).isEqualTo(2 * REPEATABLE.size());
  }

  @Test
  @DisplayName("SAFE, IDEMPOTENT and KEYED calls repeat UNAVAILABLE and a gateway's timeout")
  @SabotagedBy(CallSaboteur.TAKES_OUTAGES_FOR_REJECTIONS)
  void outagesAreRepeatedWhereHarmless() {
    for (Idempotency each : REPEATABLE) {
      assertOk(call(each, unavailable()));
      assertOk(call(each, RemoteStep.failure(CallStatus.DEADLINE_EXCEEDED)));
    }
    assertThat(arrivals()).isEqualTo(4 * REPEATABLE.size());
  }

  @Test
  @DisplayName("SAFE, IDEMPOTENT and KEYED calls repeat an attempt that timed out")
  @SabotagedBy(CallSaboteur.NEVER_RETRIES)
  void aTimeoutIsRepeatedWhereHarmless() {
    harness.policy(impatient().build());
    for (Idempotency each : REPEATABLE) {
      assertOk(call(each, of(Kind.SILENCE)));
    }
    assertThat(arrivals()).isEqualTo(2 * REPEATABLE.size());
  }

  @Test
  @DisplayName("A rejection is never repeated")
  @SabotagedBy(CallSaboteur.TAKES_REJECTIONS_FOR_OUTAGES)
  void aRejectionIsNeverRepeated() {
    for (CallStatus status : REJECTIONS) {
      call(Idempotency.SAFE, RemoteStep.failure(status));
    }
    assertThat(arrivals()).isEqualTo(REJECTIONS.size());
  }

  @Test
  @DisplayName("RESOURCE_EXHAUSTED without advice is not repeated")
  @SabotagedBy(CallSaboteur.INVENTS_ADVICE)
  void exhaustedWithoutAdviceIsNotRepeated() {
    call(Idempotency.SAFE, RemoteStep.failure(CallStatus.RESOURCE_EXHAUSTED));
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("RESOURCE_EXHAUSTED with advice is repeated, but not without idempotency")
  @SabotagedBy({CallSaboteur.LOSES_ADVICE, CallSaboteur.CLAIMS_NOT_SENT})
  void exhaustedWithAdviceIsRepeatedWhereHarmless() {
    RemoteStep busy =
        RemoteStep.failure(CallStatus.RESOURCE_EXHAUSTED).retryAfter(Duration.ofMillis(5));
    assertOk(call(Idempotency.SAFE, busy));
    assertThat(arrivals()).isEqualTo(2);
    call(Idempotency.NON_IDEMPOTENT, busy);
    assertThat(arrivals()).isEqualTo(3);
  }

  @Test
  @DisplayName("What the remote forbids to repeat is not repeated")
  @SabotagedBy(CallSaboteur.IGNORES_STOP_SIGNALS)
  void aForbiddenRepetitionIsNotMade() {
    CallReport report = call(Idempotency.SAFE, unavailable().notRetryable());
    assertThat(report.outcome().isRetryable()).isFalse();
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("A call has at most the attempts of its policy")
  @SabotagedBy(CallSaboteur.REPEATS_AFTER_FAILURES)
  void attemptsAreBounded() {
    harness.always(of(Kind.RESET));
    call(Idempotency.KEYED);
    assertThat(arrivals()).isEqualTo(ATTEMPTS);
  }

  @Test
  @DisplayName("Each attempt that is not SAFE arrives once: the transport repeats none by itself")
  @SabotagedBy({CallSaboteur.SENDS_TWICE, CallSaboteur.REPEATS_AFTER_FAILURES})
  void noRepetitionIsHidden() {
    for (Idempotency each : List.of(Idempotency.IDEMPOTENT, Idempotency.KEYED)) {
      assertOk(call(each, of(Kind.RESET)));
      assertOk(call(each));
    }
    call(Idempotency.NON_IDEMPOTENT, of(Kind.RESET));
    assertThat(harness.arrived())
        .extracting(ArrivedAttempt::attempt)
        .containsExactly(1, 2, 1, 1, 2, 1, 1);
    assertThat(harness.hiddenRepetitions()).isZero();
  }

  @Test
  @DisplayName("If the client repeats a SAFE attempt by itself, the repetition is counted")
  @SabotagedBy(CallSaboteur.SENDS_TWICE)
  void aHiddenRepetitionOfASafeAttemptIsCounted() {
    assertOk(call(Idempotency.SAFE));
    assertOk(call(Idempotency.SAFE, of(Kind.RESET)));
    List<Integer> after =
        harness.arrived().stream().skip(1).map(ArrivedAttempt::attempt).distinct().toList();
    assertThat(arrivals()).isEqualTo(1 + after.size() + harness.hiddenRepetitions());
  }

  @Test
  @DisplayName("Without a budget nothing is repeated, and the failure is that of the attempt")
  @SabotagedBy(CallSaboteur.IGNORES_BUDGETS)
  void theBudgetBoundsRepetitions() {
    harness.policy(patient().budget(new RetryBudgetConfig(0, 0, Duration.ofSeconds(1))).build());
    harness.always(unavailable());
    CallReport report = call(Idempotency.SAFE);
    assertThat(report.outcome().status()).isEqualTo(CallStatus.UNAVAILABLE);
    assertThat(arrivals()).isEqualTo(1);
  }
}
