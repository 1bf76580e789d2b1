package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.RateLimiter;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The rate limiter, the budget, the bulkhead, and what their refusals mean. */
class LimitsTest {

  private final VirtualTime time = VirtualTime.create();

  private Guard guard(CallPolicy policy) {
    return Resilience.builder(time).defaults(policy).build().guard("remote");
  }

  private static CallException refused(Guard guard) {
    return catchThrowableOfType(
        CallException.class, () -> guard.operation("op", Idempotency.SAFE).call(a -> "answer"));
  }

  @Test
  void noPeriodHasMoreThanRateAndBurst() {
    TokenBucket bucket =
        new TokenBucket(new RateLimiterConfig(100, 20, Duration.ZERO), time.time());
    List<Long> granted = new ArrayList<>();
    for (int millis = 0; millis < 5_000; millis++) {
      for (int i = 0; i < 3; i++) {
        if (bucket.reserve(0) == 0) {
          granted.add((long) millis);
        }
      }
      time.advance(Duration.ofMillis(1));
    }
    for (int start = 0; start + 1_000 <= 5_000; start += 50) {
      int from = start;
      assertThat(granted.stream().filter(at -> at >= from && at < from + 1_000).count())
          .isBetween(99L, 121L);
    }
  }

  @Test
  void aTokenMayBeTakenInAdvance() {
    TokenBucket bucket = new TokenBucket(new RateLimiterConfig(10, 1, Duration.ZERO), time.time());
    assertThat(bucket.reserve(0)).isZero();
    assertThat(bucket.reserve(50_000_000)).isEqualTo(RateLimiter.REFUSED);
    assertThat(bucket.retryAfter()).isEqualTo(Duration.ofMillis(100));
    assertThat(bucket.reserve(100_000_000)).isEqualTo(100_000_000);
    assertThat(bucket.reserve(100_000_000)).isEqualTo(RateLimiter.REFUSED);
  }

  @Test
  void waitingForAPermitEndsAtTheDeadline() {
    Guard guard =
        guard(
            CallPolicy.builder()
                .rateLimiter(new RateLimiterConfig(1, 1, Duration.ofMinutes(1)))
                .retry(RetryPolicy.none())
                .build());
    assertThat(refused(guard)).isNull();
    long start = time.time().nanoTime();
    CallException failure =
        CallContext.within(
            Deadline.after(Duration.ofMillis(500), time.time()), () -> refused(guard));
    assertThat(failure).hasMessageStartingWith("COMMS-CALL-004: the rate limiter has no token (");
    assertThat(failure.refusal()).contains(Refusal.RATE_LIMITER);
    assertThat(failure.outcome().retryAfter()).isPresent();
    assertThat(time.time().nanoTime() - start).isLessThan(500_000_000L);
    assertThat(refused(guard)).isNull();
    assertThat(time.time().nanoTime() - start).isEqualTo(1_000_000_000L);
  }

  @Test
  void quotaCountsAttempts() {
    Guard guard =
        guard(
            CallPolicy.builder()
                .rateLimiter(new RateLimiterConfig(1, 3, Duration.ZERO))
                .without(Part.BREAKER)
                .build());
    assertThat(
            catchThrowableOfType(
                CallException.class,
                () ->
                    guard
                        .operation("op", Idempotency.SAFE)
                        .call(
                            CallRules.BY_FAILURE,
                            attempt -> {
                              throw CallRules.unavailable();
                            })))
        .isNotNull();
    assertThat(guard.rate().reserve(0)).isEqualTo(RateLimiter.REFUSED);
  }

  @Test
  void localRefusalsNeverCount() {
    Guard guard =
        guard(
            CallPolicy.builder()
                .rateLimiter(new RateLimiterConfig(1, 1, Duration.ZERO))
                .retry(RetryPolicy.none())
                .build());
    refused(guard);
    for (int i = 0; i < 200; i++) {
      assertThat(refused(guard).refusal()).contains(Refusal.RATE_LIMITER);
    }
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
  }

  @Test
  void theBulkheadRefusesBeyondItsLimitAndTheSlotComesBack() throws Exception {
    Guard guard = guard(CallPolicy.builder().maxInFlight(1).retry(RetryPolicy.none()).build());
    CallException inner =
        guard.operation("op", Idempotency.SAFE).<CallException, Exception>call(a -> refused(guard));
    assertThat(inner).hasMessageStartingWith("COMMS-CALL-005: the bulkhead has no free slot (");
    assertThat(inner.refusal()).contains(Refusal.BULKHEAD);
    assertThat(refused(guard)).isNull();
  }

  @Test
  void theBudgetIsAShareOfTheCallsOfItsWindow() {
    WindowBudget budget =
        new WindowBudget(new RetryBudgetConfig(10, 0, Duration.ofSeconds(10)), time.time());
    for (int i = 0; i < 1_000; i++) {
      budget.deposit();
      time.advance(Duration.ofMillis(5));
    }
    assertThat(budget.balance()).isEqualTo(100);
    for (int i = 0; i < 100; i++) {
      assertThat(budget.tryWithdraw()).isTrue();
    }
    assertThat(budget.tryWithdraw()).isFalse();
    time.advance(Duration.ofSeconds(11));
    assertThat(budget.balance()).isZero();
    budget.deposit();
    assertThat(budget.tryWithdraw()).isFalse();
  }

  @Test
  void aPolicyIsReplacedAndKeepsItsState() {
    Guard guard = guard(CallPolicy.builder().maxInFlight(5).build());
    guard.forceBreakerOpen();
    guard.replacePolicy(CallPolicy.builder().maxInFlight(7).build());
    assertThat(guard.breakerState()).isEqualTo(State.FORCED_OPEN);
    assertThat(guard.lanes().all().bulkhead.limit()).isEqualTo(7);
  }

  @Test
  void remotesAreNamedAndBounded() {
    Resilience resilience = Resilience.create(time);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> resilience.guard("http://a b"))
        .withMessageStartingWith("service: 'http://a b' (expected: 1..128 printable ASCII");
    for (int i = 0; i < Resilience.MAX_REMOTES; i++) {
      resilience.guard("remote" + i);
    }
    assertThatIllegalStateException()
        .isThrownBy(() -> resilience.guard("one-more"))
        .withMessageStartingWith("remotes: 1001 (expected: 1..1000");
    assertThat(resilience.guard("remote7").service()).isEqualTo("remote7");
  }

  @Test
  void wrongSettingsAreRefusedAtBuild() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetryPolicy.defaults().withMaxAttempts(0))
        .withMessage("maxAttempts: 0 (expected: 1..10)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                CallPolicy.builder()
                    .deadline(Duration.ofSeconds(1))
                    .attemptTimeout(Duration.ofSeconds(2))
                    .build())
        .withMessage("attemptTimeout: PT2S (expected: PT0.01S..PT1S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RetryBudgetConfig(500, 3, Duration.ofSeconds(10)))
        .withMessage("budget percent: 500 (expected: 0..100)");
    assertThat(CallPolicy.builder().deadline(Duration.ofSeconds(1)).build().attemptTimeout())
        .isEqualTo(Duration.ofSeconds(1));
  }
}
