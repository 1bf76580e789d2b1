package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whether and when an attempt is repeated. */
class RetryTest {

  private final VirtualTime time = VirtualTime.create();
  private final Resilience resilience = Resilience.create(time);
  private final Guard guard = resilience.guard("pricing");
  private final List<CallContext> attempts = new ArrayList<>();

  private CallException fails(Idempotency idempotency, CallRules.Failed failure) {
    return catchThrowableOfType(
        CallException.class,
        () ->
            guard
                .operation("op", idempotency)
                .call(
                    CallRules.BY_FAILURE,
                    attempt -> {
                      attempts.add(attempt);
                      throw failure;
                    }));
  }

  /** Returns the failure that the code threw as its answer. */
  private CallRules.Failed answered(Idempotency idempotency, CallRules.Failed failure) {
    return catchThrowableOfType(
        CallRules.Failed.class,
        () ->
            guard
                .operation("op", idempotency)
                .call(
                    CallRules.BY_FAILURE,
                    attempt -> {
                      attempts.add(attempt);
                      throw failure;
                    }));
  }

  @ParameterizedTest
  @EnumSource(CallStatus.class)
  void onlyNotSentIsRepeatedWithoutIdempotency(CallStatus status) {
    if (status == CallStatus.OK || status == CallStatus.CANCELLED) {
      return;
    }
    fails(Idempotency.NON_IDEMPOTENT, CallRules.failed(status, SendCertainty.MAYBE_SENT));
    assertThat(attempts).hasSize(1);
    fails(Idempotency.NON_IDEMPOTENT, CallRules.failed(status, SendCertainty.NOT_SENT));
    assertThat(attempts).hasSize(1 + RetryPolicy.DEFAULT_ATTEMPTS);
  }

  @ParameterizedTest
  @EnumSource(
      value = Idempotency.class,
      names = {"SAFE", "IDEMPOTENT", "KEYED"})
  void anUnknownResultIsRepeatedWhereThatIsHarmless(Idempotency idempotency) {
    CallException failure = fails(idempotency, CallRules.unavailable());
    assertThat(attempts).hasSize(3);
    assertThat(failure)
        .hasMessageStartingWith(
            "COMMS-CALL-001: the remote gave no answer (pricing op, UNAVAILABLE MAYBE_SENT");
    assertThat(failure.attempts()).isEqualTo(3);
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(failure.outcome().isRetryable()).isFalse();
    assertThat(attempts).extracting(CallContext::attempt).containsExactly(1, 2, 3);
  }

  @Test
  void aTimedOutPostIsNeverRepeated() {
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                guard
                    .operation("POST /orders", Idempotency.NON_IDEMPOTENT)
                    .call(
                        attempt -> {
                          attempts.add(attempt);
                          time.advance(Duration.ofSeconds(3));
                          return "late";
                        }));
    assertThat(attempts).hasSize(1);
    assertThat(failure)
        .hasMessage(
            "COMMS-CALL-002: the attempt overran its time (pricing POST /orders, DEADLINE_EXCEEDED"
                + " MAYBE_SENT not retryable, attempts 1, after 3000 ms of 5000 ms)");
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void gatewayTimeoutIsNotNotSent() {
    CallOutcome gatewayTimeout = CallOutcome.answered(CallStatus.ofHttp(504));
    CallRules.Failed failure = new CallRules.Failed(gatewayTimeout);
    assertThat(answered(Idempotency.NON_IDEMPOTENT, failure)).isSameAs(failure);
    assertThat(attempts).hasSize(1);
    assertThat(answered(Idempotency.IDEMPOTENT, failure)).isSameAs(failure);
    assertThat(attempts).hasSize(4);
  }

  @Test
  void eachAttemptHasTheSameKey() {
    fails(Idempotency.KEYED, CallRules.unavailable());
    assertThat(attempts).hasSize(3);
    assertThat(attempts.stream().map(CallContext::idempotencyKey).distinct()).hasSize(1);
  }

  @Test
  void theCallersOwnKeyWins() throws Exception {
    String key =
        guard
            .operation("charge", Idempotency.KEYED)
            .withKey("order-7")
            .call(attempt -> attempt.idempotencyKey());
    assertThat(key).isEqualTo("order-7");
  }

  @Test
  void aRuntimeExceptionOfPlainCodeIsAnAnswer() {
    IllegalStateException answer = new IllegalStateException("no such article");
    Throwable thrown =
        catchThrowableOfType(
            IllegalStateException.class,
            () ->
                guard
                    .operation("quote", Idempotency.SAFE)
                    .call(
                        attempt -> {
                          attempts.add(attempt);
                          throw answer;
                        }));
    assertThat(thrown).isSameAs(answer);
    assertThat(attempts).hasSize(1);
  }

  @Test
  void aRefusedConnectionIsRepeatedAndReported() {
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                guard
                    .operation("order", Idempotency.NON_IDEMPOTENT)
                    .call(
                        attempt -> {
                          attempts.add(attempt);
                          throw new ConnectException("refused");
                        }));
    assertThat(attempts).hasSize(3);
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(failure).hasCauseInstanceOf(ConnectException.class);
  }

  @Test
  void retryAfterIsAMinimumNeverPastTheDeadline() {
    CallOutcome busy =
        CallOutcome.answered(CallStatus.RESOURCE_EXHAUSTED).withRetryAfter(Duration.ofSeconds(2));
    long start = time.time().nanoTime();
    List<Duration> begun = new ArrayList<>();
    Throwable thrown =
        catchThrowableOfType(
            CallRules.Failed.class,
            () ->
                guard
                    .operation("op", Idempotency.SAFE)
                    .call(
                        CallRules.BY_FAILURE,
                        attempt -> {
                          begun.add(Duration.ofNanos(time.time().nanoTime() - start));
                          throw new CallRules.Failed(busy);
                        }));
    assertThat(thrown).isNotNull();
    // 0 s, at least 2 s, at least 4 s; a fourth one would be after the deadline of 5 s anyway.
    assertThat(begun).hasSize(3);
    assertThat(begun.get(1)).isBetween(Duration.ofSeconds(2), Duration.ofMillis(2_200));
    assertThat(begun.get(2)).isBetween(Duration.ofSeconds(4), Duration.ofMillis(4_400));
    CallOutcome tooLong = busy.withRetryAfter(Duration.ofSeconds(6));
    int before = begun.size();
    assertThat(
            catchThrowableOfType(
                CallRules.Failed.class,
                () ->
                    guard
                        .operation("op", Idempotency.SAFE)
                        .call(
                            CallRules.BY_FAILURE,
                            attempt -> {
                              begun.add(Duration.ZERO);
                              throw new CallRules.Failed(tooLong);
                            })))
        .isNotNull();
    assertThat(begun).hasSize(before + 1);
  }

  @Test
  void anAttemptThatWasPerhapsSentIsNotForgotten() {
    int[] calls = {0};
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                guard
                    .operation("charge", Idempotency.KEYED)
                    .call(
                        attempt -> {
                          if (++calls[0] == 1) {
                            throw new java.io.IOException("connection lost");
                          }
                          throw new ConnectException("refused");
                        }));
    assertThat(calls[0]).isEqualTo(3);
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(failure.kind()).isEqualTo(FailureKind.UNKNOWN_RESULT);
  }

  @ParameterizedTest
  @EnumSource(names = {"RESOURCE_EXHAUSTED", "ABORTED"})
  void aPassingRefusalIsRepeatedOnlyWithAdviceAndWhereHarmless(CallStatus status) {
    CallOutcome refused = CallOutcome.answered(status);
    answered(Idempotency.SAFE, new CallRules.Failed(refused));
    assertThat(attempts).hasSize(1);
    CallOutcome advised = refused.withRetryAfter(Duration.ofMillis(5));
    answered(Idempotency.NON_IDEMPOTENT, new CallRules.Failed(advised));
    assertThat(attempts).hasSize(2);
    answered(Idempotency.KEYED, new CallRules.Failed(advised));
    assertThat(attempts).hasSize(5);
  }

  @Test
  void noAttemptStartsAfterExpiry() {
    Deadline expired = Deadline.after(Duration.ZERO, time.time());
    CallException failure =
        CallContext.within(expired, () -> fails(Idempotency.SAFE, CallRules.unavailable()));
    assertThat(attempts).isEmpty();
    assertThat(failure.code()).isEqualTo("COMMS-CALL-002");
    assertThat(failure.refusal()).contains(Refusal.DEADLINE);
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(failure.attempts()).isZero();
  }

  @Test
  void theEarlierDeadlineHolds() throws Exception {
    Deadline near = Deadline.after(Duration.ofMillis(800), time.time());
    Duration left =
        CallContext.within(
            near,
            () ->
                guard
                    .operation("op", Idempotency.SAFE)
                    .call(attempt -> attempt.deadline().orElseThrow().remaining()));
    assertThat(left).isEqualTo(Duration.ofMillis(800));
  }

  @Test
  void interruptedIsNeverRetriedAndTheFlagStays() {
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                guard
                    .operation("op", Idempotency.SAFE)
                    .call(
                        attempt -> {
                          attempts.add(attempt);
                          throw new InterruptedException("stop");
                        }));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(attempts).hasSize(1);
    assertThat(failure).hasMessageStartingWith("COMMS-CALL-006: the thread was interrupted (");
    assertThat(failure.kind()).isEqualTo(FailureKind.CANCELLED);
  }

  @Test
  void anInterruptDuringABackoffEndsTheCall() {
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                guard
                    .operation("op", Idempotency.SAFE)
                    .call(
                        CallRules.BY_FAILURE,
                        attempt -> {
                          attempts.add(attempt);
                          Thread.currentThread().interrupt();
                          throw CallRules.unavailable();
                        }));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(attempts).hasSize(1);
    assertThat(failure.code()).isEqualTo("COMMS-CALL-006");
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
  }

  @Test
  void theBudgetHoldsOverRetries() {
    Resilience bounded =
        Resilience.builder(time)
            .defaults(
                CallPolicy.builder()
                    .budget(new RetryBudgetConfig(20, 0, Duration.ofSeconds(10)))
                    .retry(
                        RetryPolicy.defaults()
                            .withBackoff(
                                Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(1))))
                    .without(Part.BREAKER)
                    .build())
            .build();
    GuardedOperation operation = bounded.guard("r").operation("op", Idempotency.SAFE);
    int[] sent = {0};
    for (int i = 0; i < 1_000; i++) {
      assertThat(
              catchThrowableOfType(
                  CallException.class,
                  () ->
                      operation.call(
                          CallRules.BY_FAILURE,
                          attempt -> {
                            sent[0]++;
                            throw CallRules.unavailable();
                          })))
          .isNotNull();
    }
    assertThat(sent[0]).isBetween(1_150, 1_200);
  }

  @Test
  void theSlotIsFreeDuringBackoff() {
    List<Integer> taken = new ArrayList<>();
    time.scheduler().schedule(Duration.ofMillis(1), () -> taken.add(guard.inFlight()));
    fails(Idempotency.SAFE, CallRules.unavailable());
    assertThat(attempts).hasSize(3);
    assertThat(taken).containsExactly(0);
    assertThat(guard.inFlight()).isZero();
  }

  @Test
  void threadLocalsOfTheCallerAreThere() throws Exception {
    ThreadLocal<String> local = new ThreadLocal<>();
    local.set("mine");
    assertThat(guard.operation("op", Idempotency.SAFE).<String, Exception>call(a -> local.get()))
        .isEqualTo("mine");
  }

  @Test
  void builderOrderHasNoEffect() {
    CallPolicy one =
        CallPolicy.builder()
            .maxInFlight(3)
            .deadline(Duration.ofSeconds(1))
            .attemptTimeout(Duration.ofMillis(100))
            .build();
    CallPolicy other =
        CallPolicy.builder()
            .attemptTimeout(Duration.ofMillis(100))
            .deadline(Duration.ofSeconds(1))
            .maxInFlight(3)
            .build();
    assertThat(one).hasToString(other.toString());
  }

  @Test
  void operationsBeyond200ShareALabel() {
    for (int i = 0; i < Guard.MAX_OPERATIONS; i++) {
      guard.operation("op" + i, Idempotency.SAFE);
    }
    assertThat(guard.operation("one more", Idempotency.SAFE).target().operation())
        .isEqualTo("other");
    assertThat(guard.operation("op0", Idempotency.SAFE).target().operation()).isEqualTo("op0");
  }

  @Test
  void anErrorOfTheCodeReachesTheCallerAndFreesEverything() {
    AssertionError error = new AssertionError("broken");
    Throwable thrown =
        catchThrowableOfType(
            AssertionError.class,
            () ->
                guard
                    .operation("op", Idempotency.SAFE)
                    .call(
                        attempt -> {
                          throw error;
                        }));
    assertThat(thrown).isSameAs(error);
    assertThat(guard.inFlight()).isZero();
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void aClassifierThatFailsEndsTheCallAndFreesEverything() {
    for (Throwable broken : List.of(new IllegalStateException("no"), new AssertionError("no"))) {
      Throwable thrown =
          catchThrowable(
              () ->
                  guard
                      .operation("op", Idempotency.SAFE)
                      .call(
                          new OutcomeClassifier<Object>() {
                            @Override
                            public CallOutcome ofAnswer(Object answer) {
                              throw CallRules.<RuntimeException>sneaky(broken);
                            }

                            @Override
                            public CallOutcome ofFailure(Throwable failure) {
                              throw CallRules.<RuntimeException>sneaky(broken);
                            }
                          },
                          attempt -> {
                            attempts.add(attempt);
                            return "answer";
                          }));
      assertThat(thrown == broken || thrown.getCause() == broken).isTrue();
      assertThat(guard.inFlight()).isZero();
      assertThat(CallContext.current()).isSameAs(CallContext.empty());
    }
    assertThat(attempts).hasSize(2);
  }

  private static OutcomeClassifier<Object> broken(Throwable failure) {
    return new OutcomeClassifier<>() {
      @Override
      @SuppressWarnings("NullAway") // what user code may return all the same
      public CallOutcome ofAnswer(Object answer) {
        if (failure instanceof NullPointerException) {
          return null;
        }
        throw CallRules.<RuntimeException>sneaky(failure);
      }

      @Override
      public CallOutcome ofFailure(Throwable thrown) {
        return ofAnswer(thrown);
      }
    };
  }

  /** Also of a probe, which would otherwise keep its place until the end of its lease. */
  @Test
  void aCallWhoseClassifierFailsIsReportedAndEndsItsProbe() {
    List<CallOutcome> calls = new ArrayList<>();
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onCall(CallTarget target, CallOutcome end, int count, Duration elapsed) {
            calls.add(end);
          }
        };
    for (Throwable failure :
        List.of(new Exception("no"), new AssertionError("no"), new NullPointerException())) {
      for (boolean isAsync : List.of(false, true)) {
        calls.clear();
        Guard fresh = Resilience.builder(time).observer(observer).build().guard("pricing");
        GuardedOperation operation = fresh.operation("op", Idempotency.SAFE);
        for (int i = 0; i < 20; i++) {
          assertThatThrownBy(
                  () ->
                      operation.call(
                          attempt -> {
                            throw new IOException();
                          }))
              .isInstanceOf(CallException.class);
        }
        time.advance(fresh.circuitBreaker().retryAfter());
        calls.clear();
        for (int probe = 0; probe < 3; probe++) {
          if (isAsync) {
            assertThat(
                    operation.callAsync(
                        broken(failure), attempt -> CompletableFuture.completedFuture("answer")))
                .isCompletedExceptionally();
          } else {
            assertThat(catchThrowable(() -> operation.call(broken(failure), attempt -> "answer")))
                .isNotNull();
          }
        }
        time.advance(Duration.ofMillis(1));
        assertThat(fresh.breakerState()).as("%s %s", failure, isAsync).isEqualTo(State.OPEN);
        assertThat(calls).as("%s %s", failure, isAsync).hasSize(3);
      }
    }
  }

  @Test
  void aNestedGuardDoesNotMultiplyAttempts() {
    Guard outer = resilience.guard("outer");
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                outer
                    .operation("op", Idempotency.SAFE)
                    .call(
                        attempt -> {
                          attempts.clear();
                          return guard
                              .operation("inner", Idempotency.SAFE)
                              .call(
                                  CallRules.BY_FAILURE,
                                  inner -> {
                                    attempts.add(inner);
                                    throw CallRules.unavailable();
                                  });
                        }));
    assertThat(attempts).hasSize(3);
    assertThat(failure.attempts()).isEqualTo(1);
  }
}
