package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Copies of calls for a subset, which no call notices. */
class MirrorTest {

  private static final String PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  private final VirtualTime time = VirtualTime.startingAt(Instant.EPOCH, 9);
  private final List<CallContext> copies = new ArrayList<>();
  private final List<String> mirrored = new ArrayList<>();
  private final List<Optional<Refusal>> drops = new ArrayList<>();
  private final List<CallOutcome> outcomes = new ArrayList<>();
  private int calls;
  private int attempts;
  private int runs;
  private CallRules.Failed failure;
  private Resilience resilience;
  private Guard guard = guard(CallPolicy.builder().mirror(TrafficMirror.of("canary", 100)));

  private Guard guard(CallPolicy.Builder policy) {
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onCall(CallTarget target, CallOutcome outcome, int made, Duration elapsed) {
            calls++;
          }

          @Override
          public void onAttempt(
              CallTarget target,
              CallOutcome outcome,
              int number,
              Duration t,
              Optional<Refusal> by) {
            attempts++;
          }

          @Override
          public void onMirror(
              CallTarget target, CallOutcome outcome, Duration elapsed, Optional<Refusal> refusal) {
            mirrored.add(target.toString());
            outcomes.add(outcome);
            if (refusal.isPresent()) {
              drops.add(refusal);
            }
          }
        };
    resilience = Resilience.builder(time).observer(observer).defaults(policy.build()).build();
    return resilience.guard("pricing");
  }

  private static CallPolicy.Builder all() {
    return CallPolicy.builder().mirror(TrafficMirror.of("canary", 100));
  }

  private enum Kind {
    BLOCKING {
      @Override
      Object call(GuardedOperation operation, VirtualTime time, Work work) {
        Object end;
        try {
          end = operation.call(CallRules.BY_FAILURE, work::run);
        } catch (Throwable e) {
          end = e;
        }
        time.runUntilIdle();
        return end;
      }
    },
    STAGE {
      @Override
      Object call(GuardedOperation operation, VirtualTime time, Work work) {
        CompletableFuture<String> future =
            operation.callAsync(
                CallRules.BY_FAILURE,
                attempt -> CompletableFuture.completedFuture(work.run(attempt)));
        time.runUntilIdle();
        return future.handle((answer, thrown) -> answer == null ? thrown : answer).join();
      }
    };

    /** Returns the answer, or the failure; copies have ended. */
    abstract Object call(GuardedOperation operation, VirtualTime time, Work work);
  }

  private interface Work {
    String run(CallContext attempt) throws Exception;
  }

  private String work(CallContext attempt) throws CallRules.Failed {
    assertThat(CallContext.current()).isSameAs(attempt);
    if (!attempt.isMirrored()) {
      runs++;
      return "answer";
    }
    copies.add(attempt);
    if (failure != null) {
      throw failure;
    }
    return "of the copy";
  }

  private GuardedOperation operation() {
    return guard.operation("quote", Idempotency.SAFE);
  }

  @ParameterizedTest
  @EnumSource
  void aShareOfTheCallsIsCopiedAndTheCallsDoNotNotice(Kind kind) {
    guard = guard(CallPolicy.builder().mirror(TrafficMirror.of("canary", 30)));
    for (int i = 0; i < 500; i++) {
      assertThat(kind.call(operation(), time, this::work)).isEqualTo("answer");
    }
    assertThat(copies.size()).isBetween(115, 185);
    assertThat(runs).isEqualTo(500);
    resilience.close();
    time.runUntilIdle();
    assertThat(calls).as("a copy is no call").isEqualTo(500);
    assertThat(attempts).as("a copy is no attempt").isEqualTo(500);
    assertThat(mirrored).hasSameSizeAs(copies).containsOnly("pricing/canary quote");
    assertThat(outcomes).allMatch(CallOutcome::isSuccess);
    assertThat(guard.droppedCopies()).isZero();
    assertThat(guard.copiesInFlight()).isZero();
  }

  /** The saboteur is a mirror of the other idempotencies: each of their effects would double. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "SAFE")
  void callsThatAreNotSafeAreNeverCopied(Idempotency idempotency) {
    for (Kind kind : Kind.values()) {
      for (int i = 0; i < 20; i++) {
        kind.call(guard.operation("charge", idempotency), time, this::work);
      }
    }
    assertThat(runs).isEqualTo(40);
    assertThat(copies).isEmpty();
    call();
    assertThat(copies).as("the policy has a mirror").hasSize(1);
  }

  private Object call() {
    return Kind.BLOCKING.call(operation(), time, this::work);
  }

  @ParameterizedTest
  @EnumSource
  void aCopyHasTheTraceOfItsCallAndTimeAndSubsetOfItsOwn(Kind kind) {
    guard = guard(all().deadline(Duration.ofSeconds(2)).attemptTimeout(Duration.ofMillis(300)));
    CallContext.empty()
        .withTrace(PARENT, "")
        .withBaggage("tenant", "a")
        .withDeadline(Deadline.after(Duration.ofMillis(700), time.time()))
        .call(() -> kind.call(operation(), time, this::work));
    CallContext copy = copies.get(0);
    assertThat(copy.subset()).contains("canary");
    assertThat(copy.attempt()).isEqualTo(1);
    assertThat(copy.traceparent()).contains(PARENT);
    assertThat(copy.baggage()).isEqualTo(Map.of("tenant", "a"));
    assertThat(copy.deadline()).isPresent();
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void aCopyEndsWithItsCallsDeadlineOrItsAttemptTimeout() {
    guard = guard(all().deadline(Duration.ofSeconds(2)).attemptTimeout(Duration.ofMillis(300)));
    List<Duration> left = new ArrayList<>();
    for (long millis : new long[] {200, 700}) {
      CallContext.empty()
          .withDeadline(Deadline.after(Duration.ofMillis(millis), time.time()))
          .call(
              () ->
                  Kind.BLOCKING.call(
                      operation(),
                      time,
                      attempt -> {
                        if (attempt.isMirrored()) {
                          left.add(attempt.deadline().orElseThrow().remaining());
                        }
                        return "answer";
                      }));
    }
    assertThat(left).containsExactly(Duration.ofMillis(200), Duration.ofMillis(300));
  }

  @Test
  void aCopyThatOverrunsIsStoppedAndCounted() {
    guard = guard(all().attemptTimeout(Duration.ofMillis(100)));
    CompletableFuture<String> hanging = new CompletableFuture<>();
    CompletableFuture<String> future =
        operation()
            .callAsync(
                attempt ->
                    attempt.isMirrored() ? hanging : CompletableFuture.completedFuture("answer"));
    assertThat(future).isCompletedWithValue("answer");
    time.runUntilIdle();
    assertThat(guard.copiesInFlight()).isEqualTo(1);
    time.advance(Duration.ofMillis(200));
    assertThat(hanging).isCancelled();
    assertThat(guard.copiesInFlight()).isZero();
    assertThat(outcomes).extracting(CallOutcome::status).containsOnly(CallStatus.DEADLINE_EXCEEDED);
    assertThat(resilience.overrunning()).isZero();
    assertThat(resilience.overruns()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void failuresOfCopiesOpenTheirOwnBreakerOnly(Kind kind) {
    failure = CallRules.unavailable();
    int budget = guard.budgetBalance();
    for (int i = 0; i < 100; i++) {
      assertThat(kind.call(operation(), time, this::work)).isEqualTo("answer");
    }
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
    assertThat(guard.breakerState("canary")).isNotEqualTo(State.CLOSED);
    assertThat(guard.budgetBalance()).as("no retry").isGreaterThanOrEqualTo(budget);
    assertThat(copies.size()).isLessThan(100);
    assertThat(guard.droppedCopies()).isPositive();
    assertThat(drops).isNotEmpty().allMatch(Optional.of(Refusal.BREAKER)::equals);
    failure = null;
    time.advance(Duration.ofMinutes(5));
    for (int i = 0; i < 10; i++) {
      kind.call(operation(), time, this::work);
    }
    assertThat(guard.breakerState("canary")).isEqualTo(State.CLOSED);
  }

  @Test
  void aFailedCopyIsNotRepeatedAndARepeatedCallIsCopiedOnce() {
    failure = CallRules.unavailable();
    Kind.BLOCKING.call(
        operation(),
        time,
        attempt -> {
          if (attempt.isMirrored()) {
            return work(attempt);
          }
          runs++;
          throw CallRules.unavailable();
        });
    assertThat(runs).isEqualTo(3);
    assertThat(copies).hasSize(1);
  }

  @Test
  void copiesTakeNoTokenNoSlotAndNothingOfABudget() {
    guard = guard(all().rateLimiter(new RateLimiterConfig(1, 2, Duration.ZERO)).maxInFlight(1));
    CompletableFuture<String> hanging = new CompletableFuture<>();
    for (int i = 0; i < 2; i++) {
      CompletableFuture<String> call =
          operation()
              .callAsync(
                  attempt ->
                      attempt.isMirrored() ? hanging : CompletableFuture.completedFuture("answer"));
      time.runUntilIdle();
      assertThat(call).isCompletedWithValue("answer");
    }
    assertThat(guard.copiesInFlight()).isEqualTo(2);
    assertThat(guard.inFlight()).isZero();
    hanging.complete("late");
    assertThat(guard.copiesInFlight()).isZero();
  }

  @Test
  void aRefusedCallIsNotCopied() {
    guard.forceBreakerOpen();
    assertThat(call()).isInstanceOf(CallException.class);
    assertThat(copies).isEmpty();
    assertThat(guard.breakerState("canary")).isEqualTo(State.FORCED_OPEN);
    guard.resetBreaker();
    call();
    assertThat(copies).hasSize(1);
  }

  @Test
  void callsThatAreInTheSubsetOrAskForNoCopyHaveNone() {
    Kind.BLOCKING.call(operation().inSubset("other"), time, this::work);
    Kind.BLOCKING.call(operation().withoutMirror(), time, this::work);
    guard = guard(all().split(TrafficSplit.of("canary", 1, "v1", 0)));
    call();
    guard = guard(all().without(Part.MIRROR));
    call();
    guard = guard(CallPolicy.builder());
    call();
    assertThat(runs).isEqualTo(5);
    assertThat(copies).isEmpty();
    guard = guard(all().split(TrafficSplit.of("canary", 0, "v1", 1)));
    call();
    assertThat(copies).hasSize(1);
    assertThat(copies.get(0).subset()).contains("canary");
  }

  @Test
  void whatACopyCallsBelongsToTheCopyAndIsNotCopiedAgain() {
    Guard inner = resilience.guard("inner");
    List<Boolean> marks = new ArrayList<>();
    Kind.BLOCKING.call(
        operation(),
        time,
        attempt ->
            inner
                .operation("op", Idempotency.SAFE)
                .call(
                    each -> {
                      marks.add(each.isMirrored());
                      return "answer";
                    }));
    // The call and its copy, and of the inner call within the call one copy.
    assertThat(marks).containsExactlyInAnyOrder(false, true, true);
  }

  @Test
  void aMirrorIsReplacedLiveAndKeepsItsBreaker() {
    failure = CallRules.unavailable();
    for (int i = 0; i < 50; i++) {
      call();
    }
    assertThat(guard.breakerState("canary")).isEqualTo(State.OPEN);
    resilience.apply(ResilienceConfig.fromMap(Map.of("calls.pricing.mirror", "canary:50")));
    assertThat(guard.breakerState("canary")).isEqualTo(State.OPEN);
    resilience.apply(ResilienceConfig.fromMap(Map.of("calls.pricing.mirror", "next:100")));
    failure = null;
    copies.clear();
    call();
    assertThat(copies).extracting(CallContext::subset).containsExactly(Optional.of("next"));
    resilience.apply(ResilienceConfig.fromMap(Map.of("calls.pricing.mirror", "off")));
    call();
    assertThat(copies).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void copiesGoToTheEndpointsOfTheirSubsetOnly(Kind kind) {
    EndpointPool<String> canary =
        EndpointPool.<String>builder("pricing/canary", time).endpoints(List.of("c")).build();
    EndpointPool<String> pool =
        EndpointPool.<String>builder("pricing", time)
            .endpoints(List.of("one", "two"))
            .subset("canary", canary)
            .build();
    List<String> ofCopies = new ArrayList<>();
    Work work =
        attempt -> {
          String endpoint = attempt.endpoint(String.class).orElseThrow();
          if (attempt.isMirrored()) {
            ofCopies.add(endpoint);
          }
          return endpoint;
        };
    for (int i = 0; i < 10; i++) {
      assertThat(kind.call(operation().withEndpoints(pool), time, work)).isIn("one", "two");
    }
    assertThat(ofCopies).hasSize(10).containsOnly("c");
    assertThat(canary.inFlight().values()).containsOnly(0);
    EndpointPool<String> none =
        EndpointPool.<String>builder("pricing", time).endpoints(List.of("one")).build();
    kind.call(operation().withEndpoints(none), time, work);
    assertThat(ofCopies).as("not to the endpoints of the calls").hasSize(10);
    assertThat(drops).containsExactly(Optional.of(Refusal.ENDPOINT));
  }

  @ParameterizedTest
  @EnumSource
  void aFailureToMakeACopyConcernsNoCall(Kind kind) {
    Resilience failing =
        Resilience.builder(new FailingRandom(time, new OutOfMemoryError("no")))
            .defaults(all().build())
            .build();
    GuardedOperation operation = failing.guard("pricing").operation("quote", Idempotency.SAFE);
    assertThat(kind.call(operation, time, this::work)).isEqualTo("answer");
    time.advance(Duration.ofMinutes(1));
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertThat(failing.overruns()).isZero();
    assertThat(copies).isEmpty();
  }

  @Test
  void whatBreaksARuleIsRefused() {
    assertThatThrownBy(() -> TrafficMirror.of("canary", 0))
        .hasMessage("percent: 0 (expected: 1..100)");
    assertThatThrownBy(() -> TrafficMirror.of("canary", 101))
        .hasMessage("percent: 101 (expected: 1..100)");
    assertThatThrownBy(() -> TrafficMirror.of("a b", 1)).hasMessageStartingWith("subset: 'a b'");
    assertThat(TrafficMirror.of("canary", 5))
        .isEqualTo(TrafficMirror.of("canary", 5))
        .hasSameHashCodeAs(TrafficMirror.of("canary", 5))
        .isNotEqualTo(TrafficMirror.of("canary", 6))
        .hasToString("canary:5");
    for (String text : List.of("canary", "canary:", "canary:0", "canary:101", ":5", "a b:5", "5")) {
      assertThatThrownBy(() -> ResilienceConfig.fromMap(Map.of("calls.pricing.mirror", text)))
          .isInstanceOf(ResilienceConfigException.class)
          .hasMessageContaining("calls.pricing.mirror");
    }
  }
}
