package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on what travels with an attempt, and on the remote's advice. */
abstract class HeadChapter extends CallFixture {

  private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  @Test
  @DisplayName("Attempts are numbered from 1")
  @SabotagedBy(CallSaboteur.MISNUMBERS_ATTEMPTS)
  void attemptsAreNumbered() {
    harness.always(unavailable());
    call(Idempotency.SAFE);
    assertThat(harness.arrived()).extracting(ArrivedAttempt::attempt).containsExactly(1, 2, 3);
  }

  @Test
  @DisplayName("Every attempt of a KEYED call has the same key")
  @SabotagedBy(CallSaboteur.RENEWS_KEYS)
  void theKeyIsTheSameOnEveryAttempt() {
    harness.always(unavailable());
    call(Idempotency.KEYED);
    assertThat(harness.arrived()).hasSize(ATTEMPTS);
    assertThat(harness.arrived().get(0).key()).isPresent();
    assertThat(harness.arrived())
        .extracting(ArrivedAttempt::key)
        .containsOnly(harness.arrived().get(0).key());
  }

  @Test
  @DisplayName("Each KEYED call has a key of its own")
  @SabotagedBy(CallSaboteur.SHARES_KEYS)
  void eachCallHasItsOwnKey() {
    call(Idempotency.KEYED);
    call(Idempotency.KEYED);
    assertThat(harness.arrived()).extracting(ArrivedAttempt::key).doesNotHaveDuplicates();
  }

  @Test
  @DisplayName("The caller's own key is sent as it is")
  @SabotagedBy(CallSaboteur.RENEWS_KEYS)
  void theCallersKeyIsSent() {
    harness.script(unavailable());
    harness.call(Idempotency.KEYED, "order-7-\"a\\b\"", "request");
    assertThat(harness.arrived())
        .extracting(ArrivedAttempt::key)
        .containsExactly(Optional.of("order-7-\"a\\b\""), Optional.of("order-7-\"a\\b\""));
  }

  @Test
  @DisplayName("Calls that are not KEYED send no key")
  @SabotagedBy(CallSaboteur.SHARES_KEYS)
  void onlyKeyedCallsHaveAKey() {
    call(Idempotency.SAFE);
    call(Idempotency.IDEMPOTENT);
    call(Idempotency.NON_IDEMPOTENT);
    assertThat(harness.arrived()).hasSize(3);
    assertThat(harness.arrived()).extracting(ArrivedAttempt::key).containsOnly(Optional.empty());
  }

  @Test
  @DisplayName("The trace of the caller's context is sent with every attempt")
  @SabotagedBy({CallSaboteur.FORGETS_TRACES, CallSaboteur.LEAVES_THE_CONTEXT})
  void theTraceIsSent() {
    harness.script(unavailable());
    CallContext.empty()
        .withTrace(TRACE, "")
        .<CallReport, RuntimeException>call(() -> call(Idempotency.SAFE));
    assertThat(harness.arrived())
        .extracting(ArrivedAttempt::traceparent)
        .containsExactly(Optional.of(TRACE), Optional.of(TRACE));
  }

  @Test
  @DisplayName("Without a trace none is sent")
  @SabotagedBy(CallSaboteur.INVENTS_TRACES)
  void noTraceIsInvented() {
    call(Idempotency.SAFE);
    assertThat(harness.arrived().get(0).traceparent()).isEmpty();
  }

  @Test
  @DisplayName("Every attempt sends the same content")
  @SabotagedBy(CallSaboteur.SENDS_BODIES_ONCE)
  void everyAttemptSendsTheSameBody() {
    harness.always(unavailable());
    harness.call(Idempotency.KEYED, null, "the content");
    assertThat(harness.arrived())
        .extracting(ArrivedAttempt::body)
        .containsExactly("the content", "the content", "the content");
  }

  @Test
  @DisplayName("The remote's advice is a minimum for the wait")
  @SabotagedBy(CallSaboteur.LOSES_ADVICE)
  void retryAfterIsAMinimum() {
    Duration advice = Duration.ofMillis(120);
    harness.script(unavailable().retryAfter(advice));
    assertThat(timeOf(() -> assertOk(call(Idempotency.SAFE)))).isGreaterThanOrEqualTo(advice);
  }

  @Test
  @DisplayName("The remote's advice reaches the caller with the last failure")
  @SabotagedBy(CallSaboteur.LOSES_ADVICE)
  void theAdviceReachesTheCaller() {
    CallReport report =
        call(Idempotency.NON_IDEMPOTENT, unavailable().retryAfter(Duration.ofMillis(1_500)));
    assertThat(report.outcome().retryAfter()).contains(Duration.ofMillis(1_500));
  }

  @Test
  @DisplayName("Advice that can't be read is none")
  @SabotagedBy(CallSaboteur.INVENTS_ADVICE)
  void malformedAdviceIsNone() {
    for (String text : new String[] {"soon", "-5", "1.5", "5 s", "Thu, 99 Foo 1970"}) {
      RemoteStep busy = RemoteStep.failure(CallStatus.RESOURCE_EXHAUSTED).rawRetryAfter(text);
      CallReport report = call(Idempotency.SAFE, busy);
      assertThat(report.outcome().status()).isEqualTo(CallStatus.RESOURCE_EXHAUSTED);
      assertThat(report.outcome().retryAfter()).as(text).isEmpty();
    }
    assertThat(arrivals()).isEqualTo(5);
  }

  @Test
  @DisplayName("Advice of the past adds no wait")
  @SabotagedBy(CallSaboteur.STRETCHES_ADVICE)
  void pastAdviceAddsNoWait() {
    RemoteStep past = unavailable().rawRetryAfter("Thu, 01 Jan 1970 00:00:00 GMT");
    harness.script(past);
    assertThat(timeOf(() -> assertOk(call(Idempotency.SAFE)))).isLessThan(harness.slack());
    assertThat(arrivals()).isEqualTo(2);
  }

  @Test
  @DisplayName("Enormous advice ends the call at once and reaches the caller as up to a year")
  @SabotagedBy(CallSaboteur.LOSES_ADVICE)
  void enormousAdviceEndsTheCall() {
    harness.script(unavailable().rawRetryAfter("99999999999999999999999999"));
    Duration took =
        timeOf(
            () ->
                assertThat(call(Idempotency.SAFE).outcome().retryAfter())
                    .hasValueSatisfying(
                        advice -> assertThat(advice).isGreaterThan(Duration.ofDays(300))));
    assertThat(took).isLessThan(harness.slack());
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("Details that can't be read hide neither status nor permission to repeat")
  @SabotagedBy({CallSaboteur.CHOKES_ON_DETAILS, CallSaboteur.FORBIDS_REPETITIONS})
  void malformedDetailsHideNothing() {
    assertOk(call(Idempotency.SAFE, unavailable().notRetryable().malformedDetails()));
    CallReport report = call(Idempotency.NON_IDEMPOTENT, unavailable().malformedDetails());
    assertThat(report.outcome().status()).isEqualTo(CallStatus.UNAVAILABLE);
    assertThat(arrivals()).isEqualTo(3);
  }
}
