package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.AttemptStage;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.VirtualTime;
import java.lang.reflect.Proxy;
import java.net.ConnectException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls whose attempts return stages. */
class AsyncCallTest {

  private final VirtualTime time = VirtualTime.create();
  private final Resilience resilience = Resilience.create(time);
  private final Guard guard = resilience.guard("pricing");
  private final GuardedOperation safe = guard.operation("quote", Idempotency.SAFE);
  private final GuardedOperation unsafe = guard.operation("order", Idempotency.NON_IDEMPOTENT);
  private final List<CompletableFuture<String>> stages = new ArrayList<>();

  /** Starts an attempt that the test completes. */
  private CompletionStage<String> open(CallContext attempt) {
    CompletableFuture<String> stage = new CompletableFuture<>();
    stages.add(stage);
    return stage;
  }

  private CompletableFuture<String> last() {
    return stages.get(stages.size() - 1);
  }

  private Guard guard(CallPolicy policy) {
    return Resilience.builder(time).defaults(policy).build().guard("remote");
  }

  /** The failure of a future, without the exception of its {@code get}. */
  static Throwable failure(CompletableFuture<?> future) {
    assertThat(future).isDone();
    Throwable thrown = catchThrowable(future::get);
    return thrown instanceof ExecutionException ? thrown.getCause() : thrown;
  }

  private static CallException refused(CompletableFuture<?> future) {
    return (CallException) failure(future);
  }

  @Test
  void anAttemptHasItsContextWhileItStarts() {
    CallContext own = CallContext.empty().withBaggage("tenant", "7");
    List<CallContext> seen = new ArrayList<>();
    CompletableFuture<String> result =
        own.<CompletableFuture<String>, RuntimeException>call(
            () -> {
              CompletableFuture<String> started =
                  safe.callAsync(
                      attempt -> {
                        assertThat(CallContext.current()).isSameAs(attempt);
                        seen.add(attempt);
                        return open(attempt);
                      });
              assertThat(CallContext.current()).isSameAs(own);
              return started;
            });
    last().completeExceptionally(new ConnectException("refused"));
    time.advance(Duration.ofSeconds(1));
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
    last().complete("answer");
    assertThat(result).isCompletedWithValue("answer");
    assertThat(seen).extracting(CallContext::attempt).containsExactly(1, 2);
    assertThat(seen).allSatisfy(each -> assertThat(each.baggage()).containsEntry("tenant", "7"));
    assertThat(seen.get(0).deadline().orElseThrow().remaining()).isPositive();
    assertThat(guard.inFlight()).isZero();
  }

  /** Twins with one seed: the same failures give the same attempts, waits and exceptions. */
  @ParameterizedTest
  @EnumSource(CallStatus.class)
  void bothKindsOfCallsDecideAlike(CallStatus status) {
    for (Idempotency idempotency : Idempotency.values()) {
      for (SendCertainty certainty : SendCertainty.values()) {
        if (status == CallStatus.OK) {
          continue;
        }
        CallRules.Failed failed = CallRules.failed(status, certainty);
        VirtualTime one = VirtualTime.startingAt(Instant.EPOCH, 7);
        VirtualTime other = VirtualTime.startingAt(Instant.EPOCH, 7);
        List<Long> blockingStarts = new ArrayList<>();
        List<Long> asyncStarts = new ArrayList<>();
        Throwable blocking =
            catchThrowable(
                () ->
                    Resilience.create(one)
                        .guard("twin")
                        .operation("op", idempotency)
                        .call(
                            CallRules.BY_FAILURE,
                            attempt -> {
                              blockingStarts.add(one.time().nanoTime());
                              throw failed;
                            }));
        CompletableFuture<Object> async =
            Resilience.create(other)
                .guard("twin")
                .operation("op", idempotency)
                .callAsync(
                    CallRules.BY_FAILURE,
                    attempt -> {
                      asyncStarts.add(other.time().nanoTime());
                      return CompletableFuture.failedFuture(failed);
                    });
        other.advance(Duration.ofSeconds(6));
        assertThat(asyncStarts).isEqualTo(blockingStarts);
        String expected =
            blocking.getMessage().replace("thread was interrupted", "call was cancelled");
        assertThat(failure(async)).hasMessage(expected).hasSameClassAs(blocking);
      }
    }
  }

  @Test
  void anAttemptThatOverrunsIsCancelledAndRepeatedWhereThatIsHarmless() {
    CompletableFuture<String> order = unsafe.callAsync(this::open);
    time.advance(Duration.ofMillis(1_999));
    assertThat(order).isNotDone();
    time.advance(Duration.ofMillis(6));
    assertThat(refused(order))
        .hasMessageStartingWith("COMMS-CALL-002: the attempt overran its time (pricing order");
    assertThat(refused(order).kind()).isEqualTo(FailureKind.UNKNOWN_RESULT);
    assertThat(last()).isCancelled();
    assertThat(guard.inFlight()).isZero();
    assertThat(resilience.overruns()).isEqualTo(1);
    assertThat(resilience.overrunning()).isZero();
    CompletableFuture<String> quote = safe.callAsync(this::open);
    time.advance(Duration.ofMillis(2_100));
    assertThat(stages).hasSize(3);
    last().complete("second");
    assertThat(quote).isCompletedWithValue("second");
  }

  @Test
  void aStageThatIgnoresItsCancelKeepsItsSlotAndItsLateResultChangesNothing() {
    CompletableFuture<String> stubborn = new CompletableFuture<>();
    CompletableFuture<String> result =
        unsafe.callAsync(attempt -> stubborn.minimalCompletionStage());
    time.advance(Duration.ofMillis(2_005));
    assertThat(refused(result).code()).isEqualTo("COMMS-CALL-002");
    assertThat(guard.inFlight()).isEqualTo(1);
    assertThat(resilience.overrunning()).isEqualTo(1);
    stubborn.complete("too late");
    assertThat(refused(result).code()).isEqualTo("COMMS-CALL-002");
    assertThat(guard.inFlight()).isZero();
    assertThat(resilience.overrunning()).isZero();
    time.advance(Duration.ofSeconds(10));
    assertThat(guard.inFlight()).isZero();
  }

  @Test
  void aCancelEndsTheAttemptAndIsNotRepeated() {
    for (int i = 0; i < 50; i++) {
      CompletableFuture<String> result = safe.callAsync(this::open);
      assertThat(guard.inFlight()).isEqualTo(1);
      assertThat(result.cancel(true)).isTrue();
      time.runUntilIdle();
      assertThat(last()).isCancelled();
      assertThat(guard.inFlight()).isZero();
    }
    time.advance(Duration.ofSeconds(10));
    assertThat(stages).hasSize(50);
    assertThat(resilience.overrunning()).isZero();
    // Fifty failures would have opened it.
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
  }

  @Test
  void aCancelDuringAWaitSendsNothingMore() {
    CompletableFuture<String> backingOff = safe.callAsync(this::open);
    last().completeExceptionally(new ConnectException("refused"));
    backingOff.cancel(false);
    Guard limited =
        guard(
            CallPolicy.builder()
                .rateLimiter(new RateLimiterConfig(1, 1, Duration.ofMinutes(1)))
                .build());
    GuardedOperation operation = limited.operation("op", Idempotency.SAFE);
    operation.callAsync(this::open).complete("given by the caller");
    CompletableFuture<String> waiting = operation.callAsync(this::open);
    waiting.cancel(false);
    time.advance(Duration.ofSeconds(10));
    assertThat(stages).hasSize(2);
    assertThat(last()).isCancelled();
    assertThat(limited.inFlight()).isZero();
  }

  /** The cancel comes between the decision for the attempt and its start. */
  @Test
  void aCancelJustBeforeAnAttemptStartsSendsNothing() {
    AtomicReference<CompletableFuture<String>> cancelled = new AtomicReference<>();
    TaskScheduler scheduler =
        (delay, task) -> {
          CompletableFuture<String> call = cancelled.get();
          if (call != null && delay.equals(AttemptWatch.TICK)) {
            call.cancel(true);
          }
          return time.scheduler().schedule(delay, task);
        };
    CommsRuntime hooked =
        (CommsRuntime)
            Proxy.newProxyInstance(
                CommsRuntime.class.getClassLoader(),
                new Class<?>[] {CommsRuntime.class},
                (proxy, method, arguments) ->
                    method.getName().equals("scheduler")
                        ? scheduler
                        : method.invoke(time, arguments));
    Resilience own = Resilience.create(hooked);
    Guard remote = own.guard("remote");
    CompletableFuture<String> call = remote.operation("op", Idempotency.SAFE).callAsync(this::open);
    last().completeExceptionally(new ConnectException("refused"));
    time.advance(Duration.ofMillis(6));
    cancelled.set(call);
    time.advance(Duration.ofSeconds(10));
    assertThat(call).isCancelled();
    assertThat(stages).hasSize(1);
    assertThat(remote.inFlight()).isZero();
    assertThat(own.overrunning()).isZero();
  }

  @Test
  void waitingForAPermitEndsAtTheDeadline() {
    Guard limited =
        guard(
            CallPolicy.builder()
                .rateLimiter(new RateLimiterConfig(1, 1, Duration.ofMinutes(1)))
                .retry(RetryPolicy.none())
                .build());
    GuardedOperation operation = limited.operation("op", Idempotency.SAFE);
    AttemptStage<String> now = attempt -> CompletableFuture.completedFuture("now");
    assertThat(operation.callAsync(now)).isCompletedWithValue("now");
    CompletableFuture<String> near =
        CallContext.within(
            Deadline.after(Duration.ofMillis(500), time.time()), () -> operation.callAsync(now));
    assertThat(refused(near).refusal()).contains(Refusal.RATE_LIMITER);
    CompletableFuture<String> second = operation.callAsync(now);
    time.advance(Duration.ofMillis(999));
    assertThat(second).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(second).isCompletedWithValue("now");
  }

  @Test
  void refusalsAreTheSameAsForBlockingCalls() {
    Guard small = guard(CallPolicy.builder().maxInFlight(1).retry(RetryPolicy.none()).build());
    GuardedOperation operation = small.operation("op", Idempotency.SAFE);
    CompletableFuture<String> first = operation.callAsync(this::open);
    assertThat(refused(operation.callAsync(this::open)))
        .hasMessageStartingWith("COMMS-CALL-005: the bulkhead has no free slot (");
    last().complete("first");
    assertThat(first).isCompletedWithValue("first");
    small.forceBreakerOpen();
    assertThat(refused(operation.callAsync(this::open)).code()).isEqualTo("COMMS-CALL-003");
    Deadline expired = Deadline.after(Duration.ZERO, time.time());
    CompletableFuture<String> late =
        CallContext.within(expired, () -> operation.callAsync(this::open));
    assertThat(refused(late).refusal()).contains(Refusal.DEADLINE);
    assertThat(stages).hasSize(1);
  }

  @Test
  void workThatThrowsIsTreatedLikeAStageThatFails() {
    IllegalStateException answer = new IllegalStateException("no such article");
    assertThat(
            failure(
                safe.callAsync(
                    attempt -> {
                      throw answer;
                    })))
        .isSameAs(answer);
    AssertionError error = new AssertionError("broken");
    assertThat(
            failure(
                safe.callAsync(
                    attempt -> {
                      throw error;
                    })))
        .isSameAs(error);
    assertThat(guard.inFlight()).isZero();
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void noStageIsAnAnswerAndNullIsOneToo() {
    Throwable none = failure(safe.callAsync(nothing()));
    assertThat(none)
        .isInstanceOf(NullPointerException.class)
        .hasMessage("the work returned no stage");
    assertThat(safe.<@Nullable String>callAsync(a -> CompletableFuture.completedFuture(null)))
        .isCompletedWithValue(null);
    assertThat(guard.inFlight()).isZero();
  }

  @SuppressWarnings("NullAway")
  private static AttemptStage<String> nothing() {
    return attempt -> null;
  }

  @Test
  void wrappersOfStagesAreRemoved() {
    IllegalStateException answer = new IllegalStateException("no such article");
    CompletableFuture<String> dependent =
        CompletableFuture.<String>failedFuture(new CompletionException(answer))
            .thenApply(text -> text + "!");
    assertThat(failure(safe.callAsync(attempt -> dependent))).isSameAs(answer);
    CompletableFuture<String> refused =
        CompletableFuture.<String>failedFuture(new ConnectException("refused"))
            .thenApply(text -> text + "!");
    CompletableFuture<String> result = unsafe.callAsync(attempt -> refused);
    time.advance(Duration.ofSeconds(5));
    assertThat(refused(result).attempts()).isEqualTo(3);
    assertThat(refused(result)).hasCauseInstanceOf(ConnectException.class);
  }

  @Test
  void aStageThatOthersCancelEndsTheCall() {
    CompletableFuture<String> result = safe.callAsync(this::open);
    last().cancel(false);
    assertThat(refused(result)).hasMessageStartingWith("COMMS-CALL-006: the call was cancelled (");
    assertThat(stages).hasSize(1);
  }

  @Test
  void aForeignStageMayEndTwiceOrRefuseItsListener() {
    CompletableFuture<String> result =
        safe.callAsync(attempt -> ForeignStage.ending(List.of("first", "second")));
    assertThat(result).isCompletedWithValue("first");
    assertThat(guard.inFlight()).isZero();
    assertThat(failure(safe.callAsync(attempt -> ForeignStage.ending(List.of()))))
        .hasMessage("no listeners");
    assertThat(guard.inFlight()).isZero();
    CompletableFuture<String> hung = unsafe.callAsync(attempt -> ForeignStage.silent());
    time.advance(Duration.ofSeconds(3));
    assertThat(refused(hung).code()).isEqualTo("COMMS-CALL-002");
    assertThat(resilience.overrunning()).isEqualTo(1);
  }

  @Test
  void theBreakerCountsAttemptsWithStages() {
    while (guard.breakerState() == State.CLOSED) {
      unsafe.callAsync(this::open);
      last().completeExceptionally(new java.io.IOException("lost"));
    }
    assertThat(stages).hasSize(20);
  }

  @Test
  void noHalfOpenPermitIsLost() {
    theBreakerCountsAttemptsWithStages();
    time.advance(Duration.ofSeconds(6));
    Random random = new Random(7);
    for (int i = 0; i < 2_000; i++) {
      CompletableFuture<String> result = unsafe.callAsync(this::open);
      if (!result.isDone() && random.nextInt(4) > 0) {
        result.cancel(true);
      } else if (!result.isDone() && random.nextBoolean()) {
        // Cancelled by others, which says nothing about the remote either.
        last().cancel(true);
      } else if (!result.isDone()) {
        result.completeExceptionally(new IllegalStateException("the caller's own timeout"));
      }
      time.advance(Duration.ofMillis(random.nextInt(100)));
      assertThat(guard.breakerState()).isEqualTo(State.HALF_OPEN);
    }
    for (int i = 0; i < 3; i++) {
      CompletableFuture<String> probe = unsafe.callAsync(this::open);
      last().complete("well");
      assertThat(probe).isCompletedWithValue("well");
    }
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
    assertThat(guard.inFlight()).isZero();
  }

  @Test
  void aProbeThatIsCancelledWhileItWaitsForATokenIsNotLost() {
    Guard limited =
        guard(
            CallPolicy.builder()
                .rateLimiter(new RateLimiterConfig(1, 20, Duration.ofMinutes(1)))
                .retry(RetryPolicy.none())
                .build());
    GuardedOperation operation = limited.operation("op", Idempotency.SAFE);
    while (limited.breakerState() == State.CLOSED) {
      operation.callAsync(this::open);
      last().completeExceptionally(new java.io.IOException("lost"));
    }
    time.advance(Duration.ofSeconds(6));
    for (int i = 0; i < 12; i++) {
      operation.callAsync(this::open).cancel(true);
      time.runUntilIdle();
    }
    // Six of these had a token.
    assertThat(stages).hasSizeLessThan(20 + 12);
    assertThat(limited.breakerState()).isEqualTo(State.HALF_OPEN);
    assertThat(limited.lanes().all().breaker.admits()).isTrue();
  }

  @Test
  void eachPolicyCanBeSwitchedOff() {
    Guard free =
        guard(
            CallPolicy.builder()
                .without(Part.ATTEMPT_TIMEOUT)
                .without(Part.DEADLINE)
                .without(Part.BREAKER)
                .without(Part.BULKHEAD)
                .without(Part.BUDGET)
                .build());
    CompletableFuture<String> result = free.operation("op", Idempotency.SAFE).callAsync(this::open);
    time.advance(Duration.ofHours(1));
    last().complete("after an hour");
    assertThat(result).isCompletedWithValue("after an hour");
  }
}
