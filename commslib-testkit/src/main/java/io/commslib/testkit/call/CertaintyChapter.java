package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.testkit.call.RemoteStep.Kind;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on what the caller learns about an attempt, and on the 17 statuses. */
abstract class CertaintyChapter extends CallFixture {

  @Test
  @DisplayName("A refused connection is UNAVAILABLE and NOT_SENT")
  @SabotagedBy(CallSaboteur.HIDES_CERTAINTY)
  void aRefusedConnectionIsNotSent() {
    harness.always(of(Kind.REFUSE));
    CallReport report = call(Idempotency.NON_IDEMPOTENT);
    assertOutcome(report, CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT);
    assertThat(report.refusal()).isEmpty();
    assertThat(arrivals()).isZero();
  }

  @Test
  @DisplayName("A reset after the request is UNAVAILABLE and MAYBE_SENT")
  @SabotagedBy(CallSaboteur.CLAIMS_NOT_SENT)
  void aResetAfterTheRequestIsMaybeSent() {
    harness.always(of(Kind.RESET));
    assertOutcome(
        call(Idempotency.NON_IDEMPOTENT), CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
  }

  @Test
  @DisplayName("An answer that is cut short is MAYBE_SENT and no answer")
  @SabotagedBy(CallSaboteur.TAKES_A_PART_FOR_THE_ANSWER)
  void anAnswerCutShortIsMaybeSent() {
    harness.always(of(Kind.CUT));
    CallReport report = call(Idempotency.NON_IDEMPOTENT);
    assertOutcome(report, CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
    assertThat(report.answer()).isEmpty();
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("A rejection of the remote is ANSWERED")
  @SabotagedBy(CallSaboteur.HIDES_CERTAINTY)
  void aRejectionIsAnswered() {
    CallReport report = call(Idempotency.SAFE, RemoteStep.failure(CallStatus.NOT_FOUND));
    assertOutcome(report, CallStatus.NOT_FOUND, SendCertainty.ANSWERED);
  }

  @Test
  @DisplayName("An attempt that timed out is DEADLINE_EXCEEDED and MAYBE_SENT")
  @SabotagedBy(CallSaboteur.CLAIMS_TIMEOUTS_NOT_SENT)
  void aTimedOutAttemptIsMaybeSent() {
    harness.policy(impatient().build());
    CallReport report = call(Idempotency.NON_IDEMPOTENT, of(Kind.SILENCE));
    assertOutcome(report, CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT);
    assertThat(report.refusal()).isEmpty();
  }

  @Test
  @DisplayName("A refused connection after an attempt that may have arrived stays MAYBE_SENT")
  @SabotagedBy(CallSaboteur.CLAIMS_NOT_SENT)
  void whatMayHaveArrivedStaysMaybeSent() {
    CallReport report = call(Idempotency.KEYED, of(Kind.RESET), of(Kind.REFUSE), of(Kind.REFUSE));
    assertOutcome(report, CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
  }

  @Test
  @DisplayName("Each of the 16 failures arrives with its status, as the protocol delivers it")
  @SabotagedBy(CallSaboteur.TAKES_REJECTIONS_FOR_OUTAGES)
  void eachStatusIsDelivered() {
    harness.policy(patient().retry(retries(1)).build());
    for (CallStatus status : CallStatus.values()) {
      if (status != CallStatus.OK) {
        CallReport report = call(Idempotency.NON_IDEMPOTENT, RemoteStep.failure(status));
        assertOutcome(report, harness.delivered(status), SendCertainty.ANSWERED);
      }
    }
    assertThat(arrivals()).isEqualTo(CallStatus.values().length - 1);
  }

  @Test
  @DisplayName("A success is ANSWERED, and its content is that of the remote")
  @SabotagedBy({CallSaboteur.TAKES_ANSWERS_FOR_FAILURES, CallSaboteur.REPEATS_OLD_ANSWERS})
  void aSuccessIsDelivered() {
    CallReport first = call(Idempotency.SAFE, RemoteStep.answer("first"));
    CallReport second = call(Idempotency.SAFE, RemoteStep.answer("second"));
    assertOk(first);
    assertOk(second);
    assertThat(first.answer()).isEqualTo("first");
    assertThat(second.answer()).isEqualTo("second");
  }
}
