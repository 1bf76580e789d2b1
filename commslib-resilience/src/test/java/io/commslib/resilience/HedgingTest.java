package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Further attempts beside one that has no answer yet. */
class HedgingTest {

  private static final Duration DELAY = Duration.ofMillis(100);

  private final VirtualTime time = VirtualTime.create();
  private final List<CompletableFuture<String>> stages = new ArrayList<>();
  private final List<CallContext> contexts = new ArrayList<>();
  private final List<String> events = new ArrayList<>();

  private CompletionStage<String> open(CallContext attempt) {
    CompletableFuture<String> stage = new CompletableFuture<>();
    stages.add(stage);
    contexts.add(attempt);
    return stage;
  }

  private static CallPolicy.Builder hedged(int maxExtra) {
    return CallPolicy.builder().hedging(new HedgingConfig(DELAY, maxExtra));
  }

  private Guard guard(CallPolicy.Builder policy) {
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onCall(CallTarget target, CallOutcome outcome, int count, Duration elapsed) {
            events.add("call " + outcome.status() + " " + count);
          }

          @Override
          public void onAttempt(
              CallTarget target,
              CallOutcome outcome,
              int attempt,
              Duration elapsed,
              Optional<Refusal> refusal) {
            events.add(attempt + " " + outcome.status());
          }
        };
    return Resilience.builder(time)
        .observer(observer)
        .defaults(policy.build())
        .build()
        .guard("remote");
  }

  private CompletableFuture<String> call(Guard guard) {
    return guard.operation("op", Idempotency.KEYED).callAsync(this::open);
  }

  @Test
  void theFirstSuccessWinsAndTheLoserIsCancelled() {
    Guard guard = guard(hedged(1));
    CompletableFuture<String> result = call(guard);
    time.advance(Duration.ofMillis(99));
    assertThat(stages).hasSize(1);
    time.advance(Duration.ofMillis(6));
    assertThat(stages).hasSize(2);
    assertThat(contexts.get(1).idempotencyKey()).isEqualTo(contexts.get(0).idempotencyKey());
    stages.get(1).complete("hedge");
    assertThat(result).isCompletedWithValue("hedge");
    time.runUntilIdle();
    assertThat(stages.get(0)).isCancelled();
    assertThat(guard.inFlight()).isZero();
    time.advance(Duration.ofSeconds(10));
    assertThat(stages).hasSize(2);
    assertThat(events).containsExactlyInAnyOrder("1 CANCELLED", "2 OK", "call OK 2");
  }

  @Test
  void aLoserCountsNeitherForTheBreakerNorAsOverrun() {
    Guard guard = guard(hedged(1).without(Part.BUDGET));
    for (int i = 0; i < 100; i++) {
      CompletableFuture<String> result = call(guard);
      time.advance(Duration.ofMillis(105));
      stages.get(stages.size() - 1).complete("hedge");
      assertThat(result).isCompletedWithValue("hedge");
      time.runUntilIdle();
    }
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
    assertThat(guard.watch().overruns()).isZero();
    assertThat(guard.watch().overrunning()).isZero();
    assertThat(events.stream().filter(event -> event.endsWith("CANCELLED"))).hasSize(100);
  }

  @Test
  void aFastCallIsNotHedged() {
    Guard guard = guard(hedged(4));
    CompletableFuture<String> result = call(guard);
    time.advance(Duration.ofMillis(50));
    stages.get(0).complete("fast");
    time.advance(Duration.ofSeconds(10));
    assertThat(result).isCompletedWithValue("fast");
    assertThat(stages).hasSize(1);
  }

  @Test
  void hedgesAreBounded() {
    Guard guard = guard(hedged(3).retry(RetryPolicy.none()));
    CompletableFuture<String> result = call(guard);
    time.advance(Duration.ofMillis(1_900));
    assertThat(stages).hasSize(4);
    assertThat(guard.inFlight()).isEqualTo(4);
    time.advance(Duration.ofSeconds(4));
    CallException failure = (CallException) AsyncCallTest.failure(result);
    assertThat(failure.attempts()).isEqualTo(4);
    assertThat(failure.code()).isEqualTo("COMMS-CALL-002");
    assertThat(guard.inFlight()).isZero();
    assertThat(stages).allMatch(CompletableFuture::isCancelled);
  }

  @Test
  void aTargetThatMustNotBeRepeatedIsNotHedged() {
    Guard guard = guard(hedged(4));
    CompletableFuture<String> result =
        guard.operation("op", Idempotency.NON_IDEMPOTENT).callAsync(this::open);
    time.advance(Duration.ofSeconds(1));
    assertThat(stages).hasSize(1);
    stages.get(0).complete("slow");
    assertThat(result).isCompletedWithValue("slow");
  }

  @ParameterizedTest
  @EnumSource(
      value = Part.class,
      names = {"HEDGING"})
  void hedgingIsSwitchedOffByName(Part part) {
    CompletableFuture<String> result = call(guard(hedged(4).without(part)));
    time.advance(Duration.ofSeconds(1));
    assertThat(stages).hasSize(1);
    assertThat(result).isNotDone();
  }

  @Test
  void aFailedAttemptWaitsForItsHedgeAndAnAnswerDoesNot() {
    Guard guard = guard(hedged(1));
    CompletableFuture<String> result = call(guard);
    time.advance(Duration.ofMillis(105));
    stages.get(0).completeExceptionally(new IOException("lost"));
    time.advance(Duration.ofMillis(500));
    assertThat(result).isNotDone();
    assertThat(stages).hasSize(2);
    stages.get(1).complete("hedge");
    assertThat(result).isCompletedWithValue("hedge");
    CompletableFuture<String> answered = call(guard);
    time.advance(Duration.ofMillis(105));
    stages.get(3).completeExceptionally(new IllegalStateException("no such article"));
    assertThat(AsyncCallTest.failure(answered)).hasMessage("no such article");
    time.runUntilIdle();
    assertThat(stages.get(2)).isCancelled();
  }

  @Test
  void aCallWhoseAttemptsAllFailIsRepeated() {
    Guard guard = guard(hedged(1));
    CompletableFuture<String> result = call(guard);
    time.advance(Duration.ofMillis(105));
    stages.forEach(stage -> stage.completeExceptionally(new IOException("lost")));
    time.advance(Duration.ofMillis(60));
    assertThat(stages).hasSize(3);
    stages.get(2).complete("retry");
    assertThat(result).isCompletedWithValue("retry");
    time.runUntilIdle();
    assertThat(events).endsWith("3 OK", "call OK 3");
  }

  @Test
  void aCancelEndsAllAttempts() {
    Guard guard = guard(hedged(2));
    CompletableFuture<String> result = call(guard);
    time.advance(Duration.ofMillis(300));
    assertThat(stages).hasSize(3);
    result.cancel(true);
    time.runUntilIdle();
    assertThat(stages).allMatch(CompletableFuture::isCancelled);
    assertThat(guard.inFlight()).isZero();
    assertThat(events).contains("1 CANCELLED", "2 CANCELLED", "3 CANCELLED", "call CANCELLED 3");
  }

  @Test
  void aRefusedHedgeChangesNothing() {
    List<Guard> full =
        List.of(
            guard(hedged(2).maxInFlight(1)),
            guard(hedged(2).rateLimiter(RateLimiterConfig.of(1))),
            guard(hedged(2).budget(new RetryBudgetConfig(0, 0, Duration.ofSeconds(10)))));
    for (Guard guard : full) {
      stages.clear();
      CompletableFuture<String> result = call(guard);
      time.advance(Duration.ofMillis(800));
      assertThat(stages).hasSize(1);
      assertThat(guard.inFlight()).isEqualTo(1);
      stages.get(0).complete("slow");
      assertThat(result).isCompletedWithValue("slow");
      assertThat(guard.inFlight()).isZero();
    }
  }

  @Test
  void aRemoteThatIsProbedIsNotHedged() {
    Guard guard = guard(hedged(2).retry(RetryPolicy.none()));
    while (guard.breakerState() == State.CLOSED) {
      call(guard);
      stages.get(stages.size() - 1).completeExceptionally(new IOException("lost"));
    }
    time.advance(Duration.ofSeconds(6));
    stages.clear();
    CompletableFuture<String> probe = call(guard);
    time.advance(Duration.ofSeconds(1));
    assertThat(stages).hasSize(1);
    stages.get(0).complete("well");
    assertThat(probe).isCompletedWithValue("well");
  }

  @Test
  void theBudgetHoldsOverRetriesAndHedges() {
    Guard guard =
        guard(
            hedged(4)
                .budget(new RetryBudgetConfig(20, 0, Duration.ofSeconds(60)))
                .retry(
                    RetryPolicy.defaults()
                        .withBackoff(
                            Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(1))))
                .without(Part.BREAKER));
    int calls = 200;
    for (int i = 0; i < calls; i++) {
      int first = stages.size();
      CompletableFuture<String> result = call(guard);
      // Slow enough for one hedge, and then all fail.
      time.advance(Duration.ofMillis(150));
      while (!result.isDone()) {
        List.copyOf(stages.subList(first, stages.size()))
            .forEach(stage -> stage.completeExceptionally(new IOException("lost")));
        time.advance(Duration.ofMillis(5));
      }
    }
    // Of 200 calls 40 may be repeated or hedged.
    assertThat(stages).hasSizeBetween(calls + 30, calls + 40);
  }

  @Test
  void wrongSettingsAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new HedgingConfig(DELAY, 5))
        .withMessage("hedging maxExtra: 5 (expected: 1..4)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> HedgingConfig.of(Duration.ZERO))
        .withMessage("hedging delay: PT0S (expected: PT0.001S..PT1M)");
  }
}
