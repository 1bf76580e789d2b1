package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.Backoff;
import io.commslib.testkit.call.RemoteStep.Kind;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on the time of attempts and calls, and on interrupts. */
abstract class TimeChapter extends CallFixture {

  @Test
  @DisplayName("An attempt ends at its time while its request has not arrived")
  @SabotagedBy({CallSaboteur.IGNORES_INTERRUPTS, CallSaboteur.FORGETS_ATTEMPT_TIMEOUTS})
  void anAttemptEndsWhileItsRequestIsOnItsWay() {
    assertEndsAtItsTime(Kind.LOSE);
    assertThat(arrivals()).isZero();
  }

  @Test
  @DisplayName("An attempt ends at its time while it waits for the first byte of the answer")
  @SabotagedBy({CallSaboteur.IGNORES_INTERRUPTS, CallSaboteur.FORGETS_ATTEMPT_TIMEOUTS})
  void anAttemptEndsWhileItWaitsForTheAnswer() {
    assertEndsAtItsTime(Kind.SILENCE);
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("An attempt ends at its time within the body of the answer")
  @SabotagedBy({CallSaboteur.IGNORES_INTERRUPTS, CallSaboteur.FORGETS_ATTEMPT_TIMEOUTS})
  void theBodyIsCutToo() {
    assertEndsAtItsTime(Kind.STALL);
    assertThat(arrivals()).isEqualTo(1);
  }

  private void assertEndsAtItsTime(Kind kind) {
    harness.policy(impatient().build());
    harness.script(of(kind));
    Duration took =
        timeOf(
            () ->
                assertOutcome(
                    call(Idempotency.NON_IDEMPOTENT),
                    CallStatus.DEADLINE_EXCEEDED,
                    SendCertainty.MAYBE_SENT));
    assertThat(took).isBetween(harness.shortTime(), harness.shortTime().plus(harness.slack()));
  }

  @Test
  @DisplayName("The deadline ends a call over all its attempts")
  @SabotagedBy(CallSaboteur.FORGETS_DEADLINES)
  void theDeadlineEndsAllAttempts() {
    Duration deadline = harness.shortTime().multipliedBy(3);
    Duration attempt = harness.shortTime().multipliedBy(2);
    harness.policy(patient().deadline(deadline).attemptTimeout(attempt).retry(retries(10)).build());
    harness.always(of(Kind.SILENCE));
    Duration took =
        timeOf(
            () ->
                assertOutcome(
                    call(Idempotency.SAFE),
                    CallStatus.DEADLINE_EXCEEDED,
                    SendCertainty.MAYBE_SENT));
    assertThat(took).isLessThan(deadline.plus(harness.slack()));
  }

  @Test
  @DisplayName("The deadline of the caller's context holds if it is earlier")
  @SabotagedBy({CallSaboteur.LEAVES_THE_CONTEXT, CallSaboteur.IGNORES_INTERRUPTS})
  void theCallersDeadlineWins() {
    harness.always(of(Kind.SILENCE));
    Duration took =
        timeOf(() -> within(harness.shortTime(), () -> call(Idempotency.NON_IDEMPOTENT)));
    assertThat(took).isLessThan(harness.shortTime().plus(harness.slack()));
  }

  @Test
  @DisplayName("After its deadline a call makes no attempt")
  @SabotagedBy(CallSaboteur.LEAVES_THE_CONTEXT)
  void noAttemptStartsAfterExpiry() {
    CallReport report = within(Duration.ZERO, () -> call(Idempotency.SAFE));
    assertOutcome(report, CallStatus.DEADLINE_EXCEEDED, SendCertainty.NOT_SENT);
    assertThat(report.refusal()).contains(Refusal.DEADLINE);
    assertThat(arrivals()).isZero();
  }

  @Test
  @DisplayName("An attempt states the time it has left")
  @SabotagedBy({CallSaboteur.HIDES_DEADLINES, CallSaboteur.SENDS_FULL_DEADLINES})
  void anAttemptStatesItsRemainingTime() {
    Duration time = Duration.ofSeconds(7);
    within(time, () -> call(Idempotency.SAFE));
    assertThat(harness.arrived().get(0).remaining())
        .hasValueSatisfying(left -> assertThat(left).isBetween(Duration.ofMillis(1), time));
  }

  @Test
  @DisplayName("Each attempt of a call states less time than the one before")
  @SabotagedBy(CallSaboteur.SENDS_FULL_DEADLINES)
  void theStatedTimeShrinks() {
    Backoff waits = Backoff.exponential(Duration.ofMillis(20), Duration.ofMillis(20));
    harness.policy(
        patient()
            .attemptTimeout(Duration.ofSeconds(20))
            .retry(retries(ATTEMPTS).withBackoff(waits.withoutJitter()))
            .build());
    harness.always(unavailable());
    call(Idempotency.SAFE);
    List<Duration> stated =
        harness.arrived().stream().map(each -> each.remaining().orElseThrow()).toList();
    assertThat(stated).hasSize(ATTEMPTS);
    for (int i = 1; i < ATTEMPTS; i++) {
      assertThat(stated.get(i)).isLessThan(stated.get(i - 1));
    }
  }

  @Test
  @DisplayName("A wait that would pass the deadline is not begun")
  @SabotagedBy(CallSaboteur.LOSES_ADVICE)
  void noWaitPassesTheDeadline() {
    harness.policy(patient().deadline(Duration.ofSeconds(15)).build());
    harness.script(unavailable().retryAfter(Duration.ofSeconds(20)));
    Duration took = timeOf(() -> call(Idempotency.SAFE));
    assertThat(took).isLessThan(Duration.ofSeconds(10));
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("An interrupt ends the call as CANCELLED, without another attempt; the flag stays")
  @SabotagedBy({CallSaboteur.SWALLOWS_INTERRUPTS, CallSaboteur.CLEARS_FLAGS})
  void interruptedIsNeverRepeatedAndTheFlagStays() {
    CallReport report = call(Idempotency.SAFE, interrupting());
    assertThat(Thread.interrupted()).as("the flag").isTrue();
    assertOutcome(report, CallStatus.CANCELLED, SendCertainty.MAYBE_SENT);
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("A call of an interrupted thread ends as CANCELLED; the flag stays")
  @SabotagedBy({CallSaboteur.SWALLOWS_INTERRUPTS, CallSaboteur.CLEARS_FLAGS})
  void anInterruptedThreadGetsNoAnswer() {
    Thread.currentThread().interrupt();
    harness.always(of(Kind.SILENCE));
    CallReport report = call(Idempotency.SAFE);
    assertThat(Thread.interrupted()).as("the flag").isTrue();
    assertThat(report.outcome().status()).isEqualTo(CallStatus.CANCELLED);
    assertThat(arrivals()).isLessThanOrEqualTo(1);
  }

  @Test
  @DisplayName("The interrupt that ends an attempt at its time does not reach the caller")
  @SabotagedBy(CallSaboteur.LEAKS_INTERRUPTS)
  void theInterruptOfATimeoutNeverLeaks() {
    harness.policy(impatient().build());
    call(Idempotency.NON_IDEMPOTENT, of(Kind.SILENCE));
    assertThat(Thread.interrupted()).as("the flag").isFalse();
  }

  /** A silence in which the caller is interrupted. */
  static RemoteStep interrupting() {
    return of(Kind.SILENCE).onArrival(Thread.currentThread()::interrupt);
  }
}
