package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.testkit.call.RemoteStep.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on breaker, bulkhead and rate limiter: what they count, and what they refuse. */
abstract class PolicyChapter extends CallFixture {

  private static final int FAILURES = 4;
  private static final Duration OPEN_TIME = Duration.ofMillis(50);

  /** One attempt a call, and a breaker that opens after a few. */
  private static CallPolicy.Builder breaking() {
    return patient()
        .retry(retries(1))
        .breaker(
            CircuitBreakerConfig.builder()
                .minAttempts(FAILURES)
                .openTime(Duration.ofHours(1))
                .maxOpenTime(Duration.ofHours(1))
                .build());
  }

  private void callOften(RemoteStep step) {
    for (int i = 0; i < FAILURES; i++) {
      call(Idempotency.NON_IDEMPOTENT, step);
    }
  }

  private void assertBreaker(CircuitBreaker.State state) {
    assertThat(harness.breaker()).isEqualTo(state);
  }

  @Test
  @DisplayName("UNAVAILABLE answers open the breaker")
  @SabotagedBy({CallSaboteur.TAKES_OUTAGES_FOR_REJECTIONS, CallSaboteur.FORGETS_BREAKERS})
  void unavailableOpensTheBreaker() {
    harness.policy(breaking().build());
    callOften(unavailable());
    assertBreaker(CircuitBreaker.State.OPEN);
  }

  @Test
  @DisplayName("Lost answers open the breaker")
  @SabotagedBy(CallSaboteur.TAKES_OUTAGES_FOR_REJECTIONS)
  void lostAnswersOpenTheBreaker() {
    harness.policy(breaking().build());
    callOften(of(Kind.RESET));
    assertBreaker(CircuitBreaker.State.OPEN);
  }

  @Test
  @DisplayName("Refused connections open the breaker")
  @SabotagedBy(CallSaboteur.TAKES_OUTAGES_FOR_REJECTIONS)
  void refusedConnectionsOpenTheBreaker() {
    harness.policy(breaking().build());
    callOften(of(Kind.REFUSE));
    assertBreaker(CircuitBreaker.State.OPEN);
  }

  @Test
  @DisplayName("Timeouts open the breaker")
  @SabotagedBy(CallSaboteur.FORGETS_BREAKERS)
  void timeoutsOpenTheBreaker() {
    harness.policy(breaking().attemptTimeout(harness.shortTime()).build());
    callOften(of(Kind.SILENCE));
    assertBreaker(CircuitBreaker.State.OPEN);
  }

  @Test
  @DisplayName("Rejections never open the breaker")
  @SabotagedBy(CallSaboteur.TAKES_REJECTIONS_FOR_OUTAGES)
  void rejectionsNeverOpenTheBreaker() {
    harness.policy(breaking().build());
    callOften(RemoteStep.failure(CallStatus.NOT_FOUND));
    callOften(RemoteStep.failure(CallStatus.INVALID_ARGUMENT));
    callOften(RemoteStep.failure(CallStatus.RESOURCE_EXHAUSTED));
    callOften(RemoteStep.failure(CallStatus.ABORTED));
    assertBreaker(CircuitBreaker.State.CLOSED);
  }

  @Test
  @DisplayName("Answers that can't be used never open the breaker")
  @SabotagedBy(CallSaboteur.TAKES_REJECTIONS_FOR_OUTAGES)
  void answersOverTheBoundNeverOpenTheBreaker() {
    harness.policy(breaking().build());
    callOften(RemoteStep.answer("x".repeat(harness.maxAnswerBytes() + 1)));
    assertBreaker(CircuitBreaker.State.CLOSED);
  }

  @Test
  @DisplayName("Cancelled attempts count for nothing")
  @SabotagedBy(CallSaboteur.SWALLOWS_INTERRUPTS)
  void cancelledAttemptsCountForNothing() {
    harness.policy(breaking().build());
    for (int i = 0; i < FAILURES; i++) {
      call(Idempotency.SAFE, TimeChapter.interrupting());
      Thread.interrupted();
    }
    assertBreaker(CircuitBreaker.State.CLOSED);
    assertOk(call(Idempotency.SAFE));
  }

  @Test
  @DisplayName("An open breaker refuses at once, without the transport and without a repetition")
  @SabotagedBy(CallSaboteur.FORGETS_BREAKERS)
  void anOpenBreakerReachesNothing() {
    harness.policy(breaking().build());
    callOften(unavailable());
    harness.policy(breaking().retry(retries(ATTEMPTS)).build());
    CallReport report = call(Idempotency.SAFE);
    assertOutcome(report, CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT);
    assertThat(report.refusal()).contains(Refusal.BREAKER);
    assertThat(report.outcome().isRetryable()).isFalse();
    assertThat(arrivals()).isEqualTo(FAILURES);
  }

  @Test
  @DisplayName("After its open time a breaker probes the remote, and closes if it answers")
  @SabotagedBy(CallSaboteur.TAKES_ANSWERS_FOR_FAILURES)
  void aBreakerClosesAgain() throws InterruptedException {
    harness.policy(
        breaking()
            .breaker(
                CircuitBreakerConfig.builder()
                    .minAttempts(FAILURES)
                    .openTime(OPEN_TIME)
                    .probes(1)
                    .build())
            .build());
    callOften(unavailable());
    assertBreaker(CircuitBreaker.State.OPEN);
    harness.runtime().pause(OPEN_TIME.multipliedBy(2));
    call(Idempotency.SAFE);
    assertBreaker(CircuitBreaker.State.CLOSED);
  }

  @Test
  @DisplayName("A full bulkhead refuses without the transport")
  @SabotagedBy(CallSaboteur.FORGETS_BULKHEADS)
  void aFullBulkheadReachesNothing() {
    harness.policy(patient().retry(retries(1)).maxInFlight(1).build());
    List<CallReport> within = new ArrayList<>();
    RemoteStep step = RemoteStep.echo().onArrival(() -> within.add(call(Idempotency.SAFE)));
    assertOk(call(Idempotency.SAFE, step));
    assertThat(within).hasSize(1);
    assertThat(within.get(0).refusal()).contains(Refusal.BULKHEAD);
    assertThat(within.get(0).outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("A slot is taken during an attempt and free after every end of it")
  @SabotagedBy({CallSaboteur.KEEPS_SLOTS, CallSaboteur.FORGETS_BULKHEADS})
  void slotsAreFreed() {
    harness.policy(impatient().retry(retries(1)).maxInFlight(1).build());
    List<Integer> during = new ArrayList<>();
    call(Idempotency.SAFE, RemoteStep.echo().onArrival(() -> during.add(harness.inFlight())));
    assertThat(during).containsExactly(1);
    for (RemoteStep step : AnswerChapter.faults(harness)) {
      call(Idempotency.NON_IDEMPOTENT, step);
      assertThat(harness.inFlight()).as("after %s", step).isZero();
    }
    call(Idempotency.SAFE, TimeChapter.interrupting());
    Thread.interrupted();
    assertThat(harness.inFlight()).as("after an interrupt").isZero();
  }

  @Test
  @DisplayName("An empty rate limiter refuses without the transport")
  @SabotagedBy(CallSaboteur.FORGETS_RATE_LIMITERS)
  void anEmptyRateLimiterReachesNothing() {
    harness.policy(limited().build());
    assertOk(call(Idempotency.SAFE));
    CallReport report = call(Idempotency.SAFE);
    assertOutcome(report, CallStatus.RESOURCE_EXHAUSTED, SendCertainty.NOT_SENT);
    assertThat(report.refusal()).contains(Refusal.RATE_LIMITER);
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("Refusals on the caller's side never open the breaker")
  @SabotagedBy(CallSaboteur.COUNTS_REFUSALS)
  void localRefusalsNeverCount() {
    harness.policy(limited().build());
    for (int i = 0; i < 3 * FAILURES; i++) {
      call(Idempotency.SAFE);
    }
    assertThat(arrivals()).isEqualTo(1);
    assertBreaker(CircuitBreaker.State.CLOSED);
  }

  /** One call in some seconds, so that a slow machine gets no second token. */
  private static CallPolicy.Builder limited() {
    return breaking().rateLimiter(new RateLimiterConfig(1, 1, Duration.ZERO));
  }
}
