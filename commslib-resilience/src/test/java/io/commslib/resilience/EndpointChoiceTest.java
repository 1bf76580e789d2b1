package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.FaultConfig;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The engine chooses the endpoint of each attempt, and its permit ends once in each way out. */
class EndpointChoiceTest {

  private static final List<String> TWO = List.of("one", "two");

  private final VirtualTime time = VirtualTime.startingAt(Instant.EPOCH, 5);
  private final EndpointPool<String> pool =
      EndpointPool.<String>builder("pricing", time).endpoints(TWO).build();
  private final List<String> used = new ArrayList<>();
  private Guard guard = guard(CallPolicy.builder());

  private Guard guard(CallPolicy.Builder policy) {
    return Resilience.builder(time).defaults(policy.build()).build().guard("pricing");
  }

  private static CallPolicy.Builder once() {
    return CallPolicy.builder().retry(RetryPolicy.none());
  }

  private GuardedOperation operation() {
    return guard.operation("quote", Idempotency.SAFE).withEndpoints(pool);
  }

  private String use(CallContext attempt) {
    String endpoint = attempt.endpoint(String.class).orElse("none");
    used.add(endpoint);
    return endpoint;
  }

  /** Each test ends its attempts. */
  @AfterEach
  void nothingIsInFlight() {
    assertThat(pool.inFlight().values()).allMatch(count -> count == 0);
  }

  private enum Kind {
    BLOCKING {
      @Override
      Object call(GuardedOperation operation, VirtualTime time, Work work) {
        try {
          return operation.call(CallRules.BY_FAILURE, work::run);
        } catch (Throwable e) {
          return e;
        }
      }
    },
    STAGE {
      @Override
      Object call(GuardedOperation operation, VirtualTime time, Work work) {
        CompletableFuture<String> future =
            operation.callAsync(
                CallRules.BY_FAILURE,
                attempt -> CompletableFuture.completedFuture(work.run(attempt)));
        time.advance(Duration.ofSeconds(10));
        return future.handle((answer, failure) -> answer == null ? failure : answer).join();
      }
    };

    /** Returns the answer, or the failure. */
    abstract Object call(GuardedOperation operation, VirtualTime time, Work work);
  }

  private interface Work {
    String run(CallContext attempt) throws Exception;
  }

  @ParameterizedTest
  @EnumSource
  void eachAttemptHasAnEndpointThatIsInFlightDuringIt(Kind kind) {
    Object answer =
        kind.call(
            operation(),
            time,
            attempt -> {
              String endpoint = use(attempt);
              assertThat(pool.inFlight()).containsEntry(endpoint, 1);
              assertThat(attempt.endpoint(Integer.class)).isEmpty();
              return endpoint;
            });
    assertThat(TWO).contains((String) answer);
    guard.operation("quote", Idempotency.SAFE).call(this::use);
    assertThat(used.get(1)).as("an operation without endpoints").isEqualTo("none");
  }

  @Test
  void anInnerCallHasNoEndpointOfTheOuterOne() {
    Guard inner = Resilience.create(time).guard("inner");
    String seen =
        operation().call(attempt -> inner.operation("op", Idempotency.SAFE).call(this::use));
    assertThat(seen).isEqualTo("none");
  }

  @ParameterizedTest
  @EnumSource
  void aRetryGoesToAnotherEndpoint(Kind kind) {
    for (int i = 0; i < 10; i++) {
      used.clear();
      guard = guard(CallPolicy.builder());
      kind.call(
          operation(),
          time,
          attempt -> {
            use(attempt);
            throw CallRules.unavailable();
          });
      assertThat(used).hasSize(3);
      assertThat(used.get(1)).isNotEqualTo(used.get(0));
      assertThat(used.get(2)).isNotEqualTo(used.get(1));
      pool.replace(List.of());
      pool.replace(TWO);
    }
  }

  @Test
  void aHedgeGoesToAnotherEndpointAndTheLoserCountsForNothing() {
    guard =
        guard(
            CallPolicy.builder()
                .without(Part.BUDGET)
                .hedging(new HedgingConfig(Duration.ofMillis(50), 1)));
    for (int i = 0; i < 3 * Endpoint.MAX_FAILURES; i++) {
      used.clear();
      List<CompletableFuture<String>> stages = new ArrayList<>();
      CompletableFuture<String> future =
          operation()
              .callAsync(
                  attempt -> {
                    use(attempt);
                    CompletableFuture<String> stage = new CompletableFuture<>();
                    stages.add(stage);
                    return stage;
                  });
      time.advance(Duration.ofMillis(100));
      assertThat(used).hasSize(2).doesNotHaveDuplicates();
      assertThat(pool.inFlight().values()).containsOnly(1);
      stages.get(1).complete("answer");
      time.runUntilIdle();
      assertThat(future).isCompletedWithValue("answer");
      assertThat(stages.get(0)).isCancelled();
    }
    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void aRefusedHedgeReleasesItsEndpoint() {
    guard =
        guard(
            CallPolicy.builder()
                .maxInFlight(1)
                .hedging(new HedgingConfig(Duration.ofMillis(50), 1)));
    CompletableFuture<String> stage = new CompletableFuture<>();
    CompletableFuture<String> future =
        operation()
            .callAsync(
                attempt -> {
                  use(attempt);
                  return stage;
                });
    time.advance(Duration.ofMillis(200));
    assertThat(used).hasSize(1);
    assertThat(pool.inFlight().values()).containsExactlyInAnyOrder(0, 1);
    stage.complete("answer");
    assertThat(future).isCompletedWithValue("answer");
  }

  @ParameterizedTest
  @EnumSource
  void failuresOfAnEndpointLeaveItOut(Kind kind) {
    guard = guard(once().without(Part.BREAKER));
    for (int i = 0; i < 200; i++) {
      kind.call(
          operation(),
          time,
          attempt -> {
            if (use(attempt).equals("one")) {
              throw CallRules.unavailable();
            }
            return "answer";
          });
      if (pool.ejected().equals(List.of("one"))) {
        return;
      }
    }
    throw new AssertionError("never left out");
  }

  @ParameterizedTest
  @EnumSource
  void withoutAnEndpointTheAttemptIsRefusedBeforeTheBreakerIsAsked(Kind kind) {
    pool.replace(List.of());
    guard = guard(CallPolicy.builder().rateLimiter(new RateLimiterConfig(1, 1, Duration.ZERO)));
    guard.forceBreakerOpen();
    CallException refused = (CallException) kind.call(operation(), time, this::use);
    assertThat(refused.refusal()).contains(Refusal.ENDPOINT);
    assertThat(refused).hasMessageStartingWith("COMMS-CALL-008: the remote has no endpoint (");
    assertThat(refused.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(refused.outcome().status()).isEqualTo(CallStatus.UNAVAILABLE);
    assertThat(used).isEmpty();
    guard.resetBreaker();
    kind.call(operation(), time, this::use);
    pool.replace(TWO);
    assertThat(kind.call(operation(), time, this::use)).as("no token was taken").isIn(TWO);
  }

  @Test
  void aRefusalWithoutAnEndpointTakesNoProbe() {
    guard = guard(once());
    while (guard.breakerState() == State.CLOSED) {
      failOnce();
    }
    time.advance(Duration.ofMinutes(2));
    pool.replace(List.of());
    for (int i = 0; i < 20; i++) {
      assertThat(refusalOf(operation())).isEqualTo(Refusal.ENDPOINT);
    }
    assertThat(guard.breakerState()).as("not probed").isEqualTo(State.OPEN);
    pool.replace(TWO);
    for (int i = 0; i < guard.policy().breaker().probes(); i++) {
      operation().call(this::use);
    }
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
  }

  private void failOnce() {
    assertThat(
            catchThrowable(
                () ->
                    operation()
                        .call(
                            CallRules.BY_FAILURE,
                            attempt -> {
                              throw CallRules.unavailable();
                            })))
        .isNotNull();
  }

  private Refusal refusalOf(GuardedOperation operation) {
    return catchThrowableOfType(CallException.class, () -> operation.call(this::use))
        .refusal()
        .orElseThrow();
  }

  /** Each policy refuses in turn, and none behind it is asked. */
  @Test
  void theOrderIsEndpointBreakerRateLimiterBulkheadFaults() {
    CallPolicy.Builder all =
        once()
            .rateLimiter(new RateLimiterConfig(1, 1, Duration.ZERO))
            .maxInFlight(1)
            .faults(FaultConfig.failing(100, CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT));
    guard = guard(all);
    List<String> seen = new ArrayList<>();
    pool.replace(List.of());
    guard.forceBreakerOpen();
    seen.add(refusalOf(operation()).name());
    pool.replace(TWO);
    seen.add(refusalOf(operation()).name());
    guard.resetBreaker();
    // Uses the only token, and ends by its fault.
    seen.add(
        catchThrowableOfType(CallException.class, () -> operation().call(this::use))
                .outcome()
                .isInjected()
            ? "FAULT"
            : "none");
    seen.add(refusalOf(operation()).name());
    guard.replacePolicy(all.maxInFlight(1).without(Part.FAULTS).build());
    time.advance(Duration.ofSeconds(2));
    CompletableFuture<String> stage = new CompletableFuture<>();
    CompletableFuture<String> holder = operation().callAsync(attempt -> stage);
    time.advance(Duration.ofMillis(1_500));
    guard.replacePolicy(all.with(Part.FAULTS).build());
    seen.add(refusalOf(operation()).name());
    stage.complete("answer");
    assertThat(holder).isCompletedWithValue("answer");
    assertThat(seen).containsExactly("ENDPOINT", "BREAKER", "FAULT", "RATE_LIMITER", "BULKHEAD");
    assertThat(used).as("no refused attempt runs").isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void refusalsOfAllPoliciesReleaseAndCountNothing(Kind kind) {
    CallPolicy.Builder policy =
        once().rateLimiter(new RateLimiterConfig(1, 1, Duration.ZERO)).maxInFlight(1);
    guard = guard(policy);
    guard.forceBreakerOpen();
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES; i++) {
      assertThat(code(kind)).isEqualTo("COMMS-CALL-003");
    }
    guard = guard(policy);
    guard.operation("one", Idempotency.SAFE).call(attempt -> "the token");
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES; i++) {
      assertThat(refusalOf(operation())).isEqualTo(Refusal.RATE_LIMITER);
    }
    guard = guard(once().maxInFlight(1).without(Part.ATTEMPT_TIMEOUT).without(Part.DEADLINE));
    CompletableFuture<String> stage = new CompletableFuture<>();
    CompletableFuture<String> holder =
        guard.operation("holder", Idempotency.SAFE).callAsync(attempt -> stage);
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES; i++) {
      assertThat(code(kind)).isEqualTo("COMMS-CALL-005");
    }
    stage.complete("answer");
    assertThat(holder).isDone();
    assertThat(used).isEmpty();
    assertThat(pool.ejected()).isEmpty();
  }

  private String code(Kind kind) {
    return ((CallException) kind.call(operation(), time, this::use)).code();
  }

  @Test
  void cancelsAndInterruptsCountForNothing() {
    guard = guard(once());
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES; i++) {
      CompletableFuture<String> future =
          operation().callAsync(attempt -> new CompletableFuture<String>());
      future.cancel(true);
      time.runUntilIdle();
      Throwable interrupted =
          catchThrowable(
              () ->
                  operation()
                      .call(
                          attempt -> {
                            throw new InterruptedException();
                          }));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(interrupted).isInstanceOf(CallException.class);
    }
    assertThat(pool.ejected()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void anErrorReleasesItsEndpoint(Kind kind) {
    AssertionError error = new AssertionError("broken");
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES; i++) {
      Object thrown =
          kind.call(
              operation(),
              time,
              attempt -> {
                throw error;
              });
      assertThat(thrown).isSameAs(error);
    }
    assertThat(pool.ejected()).isEmpty();
  }

  /** Between the slot and the start of the work, where nothing of the user runs. */
  @Test
  void aFailureOfTheEngineItselfReleasesEverything() {
    OutOfMemoryError error = new OutOfMemoryError("no");
    guard =
        Resilience.builder(new FailingRandom(time, error))
            .defaults(
                once()
                    .faults(FaultConfig.failing(100, CallStatus.INTERNAL, SendCertainty.NOT_SENT))
                    .build())
            .build()
            .guard("pricing");
    CompletableFuture<String> future =
        operation().callAsync(attempt -> CompletableFuture.completedFuture(use(attempt)));
    assertThat(future.handle((answer, thrown) -> thrown).join()).isSameAs(error);
    assertThat(guard.inFlight()).isZero();
    assertThat(pool.ejected()).isEmpty();
    assertThat(used).isEmpty();
  }

  @Test
  void aFailureOfTheClassifierOrOfAnotherRemoteIsNotTheEndpoints() {
    guard = guard(once().without(Part.BREAKER));
    Guard other = Resilience.create(time).guard("token");
    other.forceBreakerOpen();
    OutcomeClassifier<String> broken =
        new OutcomeClassifier<>() {
          @Override
          public CallOutcome ofAnswer(String answer) {
            throw new IllegalStateException("broken");
          }

          @Override
          public CallOutcome ofFailure(Throwable failure) {
            throw new IllegalStateException("broken");
          }
        };
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES; i++) {
      assertThat(catchThrowable(() -> operation().call(broken, this::use))).isNotNull();
      assertThat(
              catchThrowable(
                  () ->
                      operation()
                          .call(
                              attempt ->
                                  other.operation("token", Idempotency.SAFE).call(this::use))))
          .isInstanceOf(CallException.class);
    }
    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void anUnknownExceptionIsNoSuccessOfTheEndpoint() {
    guard = guard(once().without(Part.BREAKER));
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES && pool.ejected().isEmpty(); i++) {
      for (int k = 0; k < 10; k++) {
        Exception each =
            k == 0 ? CallRules.unavailable() : new IllegalStateException("no credential");
        assertThat(
                catchThrowable(
                    () ->
                        operation()
                            .call(
                                CallRules.BY_FAILURE,
                                attempt -> {
                                  use(attempt);
                                  throw each;
                                })))
            .isNotNull();
      }
    }
    assertThat(pool.ejected()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void anInjectedFaultCountsAsARealOne(Kind kind) {
    guard =
        guard(
            once()
                .without(Part.BREAKER)
                .faults(
                    FaultConfig.failing(100, CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT)));
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES && pool.ejected().isEmpty(); i++) {
      kind.call(operation(), time, this::use);
    }
    assertThat(pool.ejected()).hasSize(1);
    assertThat(used).isEmpty();
  }

  @Test
  void aTimeoutCountsAndReleases() {
    guard = guard(once().without(Part.BREAKER).attemptTimeout(Duration.ofMillis(100)));
    for (int i = 0; i < 4 * Endpoint.MAX_FAILURES; i++) {
      CompletableFuture<String> future =
          operation().callAsync(attempt -> new CompletableFuture<String>());
      time.advance(Duration.ofMillis(200));
      assertThat(future).isCompletedExceptionally();
    }
    assertThat(pool.ejected()).hasSize(1);
  }

  @Test
  void aWaitForATokenThatIsCancelledReleases() {
    guard = guard(once().rateLimiter(new RateLimiterConfig(1, 1, Duration.ofSeconds(2))));
    operation().call(this::use);
    CompletableFuture<String> waiting = operation().callAsync(attempt -> new CompletableFuture<>());
    assertThat(pool.inFlight().values()).contains(1);
    waiting.cancel(true);
    assertThat(pool.inFlight().values()).containsOnly(0);
    Thread.currentThread().interrupt();
    assertThat(catchThrowable(() -> operation().call(this::use))).isInstanceOf(CallException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void anAttemptToASubsetGoesToItsOwnEndpoints() {
    EndpointPool<String> canary =
        EndpointPool.<String>builder("pricing/v2", time).endpoints(List.of("canary")).build();
    EndpointPool<String> both =
        EndpointPool.<String>builder("pricing", time).endpoints(TWO).subset("v2", canary).build();
    guard = guard(CallPolicy.builder().split(TrafficSplit.of("v1", 1, "v2", 1)));
    GuardedOperation split = guard.operation("quote", Idempotency.SAFE).withEndpoints(both);
    for (int i = 0; i < 50; i++) {
      String subset = split.call(attempt -> attempt.subset().orElseThrow() + use(attempt));
      assertThat(subset).isIn("v1one", "v1two", "v2canary");
    }
    assertThat(used).contains("one", "two", "canary");
    assertThat(split.inSubset("v2").call(this::use)).isEqualTo("canary");
    canary.replace(List.of());
    assertThat(refusalOf(split.inSubset("v2"))).isEqualTo(Refusal.ENDPOINT);
  }

  @Test
  void switchedOffByNameAllAttemptsGoToTheFirstEndpointAndNothingIsCounted() {
    guard = guard(CallPolicy.builder().without(Part.BREAKER).without(Part.ENDPOINTS));
    for (int i = 0; i < 20; i++) {
      failOnce();
      operation().call(this::use);
    }
    assertThat(used).containsOnly("one");
    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void connectionFailuresOfRealCallsMoveToTheOtherEndpoint() {
    try (SystemRuntime runtime = SystemRuntime.create()) {
      guard =
          Resilience.builder(runtime)
              .defaults(
                  CallPolicy.builder()
                      .retry(
                          RetryPolicy.defaults()
                              .withBackoff(
                                  Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(1))))
                      .build())
              .build()
              .guard("pricing");
      for (int i = 0; i < 20; i++) {
        String answer =
            catchingIo(
                () ->
                    operation()
                        .call(
                            attempt -> {
                              if (use(attempt).equals("one")) {
                                throw new java.net.ConnectException("refused");
                              }
                              return "two";
                            }));
        assertThat(answer).isEqualTo("two");
      }
    }
  }

  private interface IoCall {
    String run() throws IOException;
  }

  private static String catchingIo(IoCall call) {
    try {
      return call.run();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
