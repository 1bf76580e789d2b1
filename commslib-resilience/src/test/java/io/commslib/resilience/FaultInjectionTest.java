package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.FaultConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Faults that are injected into attempts, after all limits. */
class FaultInjectionTest {

  private final VirtualTime time = VirtualTime.startingAt(Instant.EPOCH, 11);
  private final List<CallOutcome> attempts = new ArrayList<>();
  private int runs;

  private static final CallOutcome OK = CallOutcome.answered(CallStatus.OK);

  private static final FaultConfig ALL_FAIL =
      FaultConfig.failing(100, CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);

  private Guard guard(CallPolicy policy) {
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onAttempt(
              CallTarget target,
              CallOutcome outcome,
              int attempt,
              Duration elapsed,
              Optional<Refusal> refusal) {
            attempts.add(outcome);
          }
        };
    return Resilience.builder(time).observer(observer).defaults(policy).build().guard("pricing");
  }

  private static CallPolicy.Builder once() {
    return CallPolicy.builder().retry(RetryPolicy.none());
  }

  private enum Kind {
    BLOCKING {
      @Override
      Object call(GuardedOperation operation, VirtualTime time, Supplier<String> work) {
        try {
          return operation.call(attempt -> work.get());
        } catch (RuntimeException e) {
          return e;
        }
      }
    },
    STAGE {
      @Override
      Object call(GuardedOperation operation, VirtualTime time, Supplier<String> work) {
        CompletableFuture<String> future =
            operation.callAsync(attempt -> CompletableFuture.completedFuture(work.get()));
        time.advance(Duration.ofSeconds(10));
        return future.handle((answer, failure) -> answer == null ? failure : answer).join();
      }
    };

    /** Returns the answer, or the failure. */
    abstract Object call(GuardedOperation operation, VirtualTime time, Supplier<String> work);
  }

  private String work() {
    runs++;
    return "answer";
  }

  private Object call(Kind kind, GuardedOperation operation) {
    return kind.call(operation, time, this::work);
  }

  @ParameterizedTest
  @EnumSource
  void aShareOfTheAttemptsFailsAndTheRestIsUntouched(Kind kind) {
    Guard guard =
        guard(
            once()
                .without(Part.BREAKER)
                .faults(FaultConfig.failing(30, CallStatus.INTERNAL, SendCertainty.NOT_SENT))
                .build());
    GuardedOperation operation = guard.operation("quote", Idempotency.SAFE);
    int failed = 0;
    for (int i = 0; i < 500; i++) {
      Object end = call(kind, operation);
      failed += end instanceof CallException ? 1 : 0;
      assertThat(end instanceof CallException || end.equals("answer")).isTrue();
    }
    time.runUntilIdle();
    assertThat(failed).isBetween(110, 190);
    assertThat(runs).as("the work of failed attempts is not run").isEqualTo(500 - failed);
    assertThat(attempts.stream().filter(CallOutcome::isInjected)).hasSize(failed);
    assertThat(attempts).hasSize(500);
    assertThat(guard.inFlight()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void everyStatusAndCertaintyReachesTheCallerAsACallException(Kind kind) {
    for (CallStatus status :
        PolicySetting.FAULTS_STATUS.rule().names().toArray(CallStatus[]::new)) {
      for (SendCertainty certainty : SendCertainty.values()) {
        Guard guard = guard(once().faults(FaultConfig.failing(100, status, certainty)).build());
        Object end = call(kind, guard.operation("quote", Idempotency.SAFE));
        assertThat(end).isInstanceOf(CallException.class);
        CallException failure = (CallException) end;
        assertThat(failure).hasMessageContaining("a fault was injected");
        assertThat(failure.outcome().isInjected()).isTrue();
        assertThat(failure.outcome().status()).isEqualTo(status);
        assertThat(failure.outcome().certainty()).isEqualTo(certainty);
        assertThat(failure.attempts()).isEqualTo(1);
        assertThat(failure.refusal()).isEmpty();
      }
    }
    assertThat(runs).isZero();
  }

  /** A classifier of the caller must not judge a failure that its code did not make. */
  @Test
  void theClassifierNeverSeesAnInjectedFailure() {
    Guard guard = guard(once().faults(ALL_FAIL).build());
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                guard
                    .operation("quote", Idempotency.SAFE)
                    .call(CallRules.BY_FAILURE, attempt -> "answer"));
    assertThat(failure.outcome().status()).isEqualTo(CallStatus.UNAVAILABLE);
  }

  /** The outcome of a call says what is known of all its attempts. */
  @Test
  void theMarkStaysIfAnEarlierAttemptMayHaveBeenSent() {
    CallOutcome injected =
        FaultConfig.failing(1, CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT).outcome();
    CallOutcome known = Outcomes.afterSending(injected);
    assertThat(known.certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(known.isInjected()).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void faultsExerciseRetriesBudgetAndBreaker(Kind kind) {
    Guard guard = guard(CallPolicy.builder().faults(ALL_FAIL).build());
    GuardedOperation operation = guard.operation("quote", Idempotency.SAFE);
    int budget = guard.budgetBalance();
    assertThat(((CallException) call(kind, operation)).attempts()).isEqualTo(3);
    if (kind == Kind.BLOCKING) {
      assertThat(guard.budgetBalance()).isLessThan(budget);
    }
    GuardedOperation unsafe = guard.operation("order", Idempotency.NON_IDEMPOTENT);
    assertThat(((CallException) call(kind, unsafe)).attempts()).isEqualTo(1);
    for (int i = 0; i < 100 && guard.breakerState() == State.CLOSED; i++) {
      operation.callOr(attempt -> "answer", failure -> "default");
    }
    assertThat(guard.breakerState()).isEqualTo(State.OPEN);
    time.runUntilIdle();
    int injected = (int) attempts.stream().filter(CallOutcome::isInjected).count();
    assertThat(((CallException) call(kind, operation)).refusal()).contains(Refusal.BREAKER);
    time.runUntilIdle();
    assertThat(attempts.stream().filter(CallOutcome::isInjected)).hasSize(injected);
  }

  @ParameterizedTest
  @EnumSource
  void limitsRefuseBeforeAnyFault(Kind kind) {
    Guard guard =
        guard(
            once()
                .rateLimiter(new RateLimiterConfig(1, 1, Duration.ZERO))
                .faults(ALL_FAIL)
                .build());
    GuardedOperation operation = guard.operation("quote", Idempotency.SAFE);
    assertThat(catchThrowable(() -> operation.call(attempt -> "answer")))
        .hasMessageContaining("a fault was injected");
    CompletableFuture<Object> end = new CompletableFuture<>();
    if (kind == Kind.BLOCKING) {
      end.complete(call(kind, operation));
    } else {
      operation
          .callAsync(attempt -> CompletableFuture.completedFuture("answer"))
          .whenComplete((answer, failure) -> end.complete(failure));
    }
    assertThat(((CallException) end.join()).refusal()).contains(Refusal.RATE_LIMITER);
  }

  @ParameterizedTest
  @EnumSource
  void aDelayCountsForTheTimeOfTheAttempt(Kind kind) {
    Guard slow = guard(once().faults(FaultConfig.delaying(100, Duration.ofMillis(500))).build());
    long before = time.time().nanoTime();
    assertThat(call(kind, slow.operation("quote", Idempotency.SAFE))).isEqualTo("answer");
    if (kind == Kind.BLOCKING) {
      assertThat(time.time().nanoTime() - before).isEqualTo(Duration.ofMillis(500).toNanos());
    }
    time.runUntilIdle();
    assertThat(attempts).singleElement().matches(CallOutcome::isSuccess);
    assertThat(attempts.get(0).isInjected()).isFalse();
    Guard tooSlow = guard(once().faults(FaultConfig.delaying(100, Duration.ofSeconds(30))).build());
    CallException failure =
        (CallException) call(kind, tooSlow.operation("quote", Idempotency.SAFE));
    assertThat(failure).hasMessageStartingWith("COMMS-CALL-002: the attempt overran its time");
    if (kind == Kind.STAGE) {
      // A blocking pause of virtual time can't end early; a real thread is tested below.
      assertThat(failure.elapsed()).isLessThan(Duration.ofSeconds(3));
    }
    assertThat(runs).isEqualTo(1);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    time.advance(Duration.ofMinutes(1));
    assertThat(tooSlow.inFlight()).isZero();
  }

  /** A stage whose start is delayed blocks no thread, and its cancel starts nothing. */
  @Test
  void aDelayedStageThatIsCancelledNeverStarts() {
    Guard guard = guard(once().faults(FaultConfig.delaying(100, Duration.ofSeconds(1))).build());
    CompletableFuture<String> call =
        guard
            .operation("quote", Idempotency.SAFE)
            .callAsync(attempt -> CompletableFuture.completedFuture(work()));
    assertThat(guard.inFlight()).isEqualTo(1);
    call.cancel(true);
    time.advance(Duration.ofSeconds(2));
    assertThat(runs).isZero();
    assertThat(guard.inFlight()).isZero();
  }

  @Test
  void anInterruptEndsAnInjectedDelayOnARealThread() throws Exception {
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience =
            Resilience.builder(runtime)
                .defaults(
                    once()
                        .attemptTimeout(Duration.ofMillis(30))
                        .faults(FaultConfig.delaying(100, Duration.ofMinutes(1)))
                        .build())
                .build()) {
      CallException failure =
          catchThrowableOfType(
              CallException.class,
              () ->
                  resilience
                      .guard("pricing")
                      .operation("quote", Idempotency.SAFE)
                      .call(attempt -> work()));
      assertThat(failure.code()).isEqualTo("COMMS-CALL-002");
      assertThat(failure.elapsed()).isLessThan(Duration.ofSeconds(20));
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }
  }

  @Test
  void equalSeedsGiveEqualFaults() {
    List<List<CallOutcome>> runsOfSeeds = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      VirtualTime seeded = VirtualTime.startingAt(Instant.EPOCH, 5);
      List<CallOutcome> seen = new ArrayList<>();
      Guard guard =
          Resilience.builder(seeded)
              .defaults(
                  once()
                      .without(Part.BREAKER)
                      .faults(FaultConfig.failing(50, CallStatus.INTERNAL, SendCertainty.NOT_SENT))
                      .build())
              .build()
              .guard("pricing");
      for (int i = 0; i < 50; i++) {
        seen.add(
            guard
                .operation("quote", Idempotency.SAFE)
                .callOr(attempt -> OK, failure -> ((CallException) failure).outcome()));
      }
      runsOfSeeds.add(seen);
    }
    assertThat(runsOfSeeds.get(0)).isEqualTo(runsOfSeeds.get(1)).contains(OK);
    assertThat(runsOfSeeds.get(0)).anyMatch(CallOutcome::isInjected);
  }

  @Test
  void aConfigurationSwitchesFaultsOnAndOffAndSaysSoOnce() {
    PrintStream before = System.err;
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    try {
      Resilience resilience = Resilience.create(time);
      Guard guard = resilience.guard("pricing");
      GuardedOperation operation = guard.operation("quote", Idempotency.SAFE);
      assertThat(call(Kind.BLOCKING, operation)).isEqualTo("answer");
      ResilienceConfig on =
          ResilienceConfig.fromMap(
              Map.of(
                  "calls.pricing.faults.failPercent", "100",
                  "calls.pricing.faults.status", "INTERNAL",
                  "calls.pricing.retry.enabled", "false"));
      resilience.apply(on);
      resilience.apply(on);
      assertThat(((CallException) call(Kind.BLOCKING, operation)).outcome().status())
          .isEqualTo(CallStatus.INTERNAL);
      assertThat(guard.describe())
          .contains("calls.pricing.faults.enabled = true (calls.pricing.faults.failPercent)")
          .contains("calls.pricing.faults.delay = 100ms (calls.pricing.faults.failPercent)");
      resilience.apply(
          ResilienceConfig.fromMap(
              Map.of(
                  "calls.pricing.faults.failPercent", "100",
                  "calls.pricing.faults.enabled", "false")));
      assertThat(call(Kind.BLOCKING, operation)).isEqualTo("answer");
    } finally {
      System.setErr(before);
    }
    List<String> lines =
        written
            .toString(StandardCharsets.UTF_8)
            .lines()
            .filter(line -> line.contains("FaultInjector"))
            .toList();
    assertThat(lines).hasSize(1);
    assertThat(lines.get(0)).contains("WARN", "pricing", "failPercent=100", "INTERNAL");
  }
}
