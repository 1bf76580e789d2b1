package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Calls that are split over subsets by weight. */
class SplitTest {

  /** More calls than a test needs, so that one whose guarantee is broken ends. */
  private static final int MANY = 1_000;

  private final VirtualTime time = VirtualTime.startingAt(Instant.EPOCH, 3);
  private final List<String> subsets = new ArrayList<>();
  private String failing = "none";
  private Resilience resilience;
  private Guard guard;
  private GuardedOperation operation;

  @BeforeEach
  void halfAndHalf() {
    use(split("v1", 50, "v2", 50).build());
  }

  private void use(CallPolicy policy) {
    resilience = Resilience.builder(time).defaults(policy).build();
    guard = resilience.guard("pricing");
    operation = guard.operation("quote", Idempotency.SAFE);
  }

  private static CallPolicy.Builder split(String one, int weight, String other, int otherWeight) {
    return CallPolicy.builder().split(TrafficSplit.of(one, weight, other, otherWeight));
  }

  private String work(CallContext attempt) throws CallRules.Failed {
    String subset = attempt.subset().orElse("all");
    subsets.add(subset);
    if (subset.equals(failing)) {
      throw CallRules.unavailable();
    }
    return subset;
  }

  private String call() {
    try {
      return operation.call(CallRules.BY_FAILURE, this::work);
    } catch (CallException e) {
      return e.refusal().map(Refusal::name).orElse("failed") + " " + e.target();
    } catch (CallRules.Failed e) {
      throw new IllegalStateException(e);
    }
  }

  private Map<String, Integer> calls(int count) {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < count; i++) {
      counts.merge(call(), 1, Integer::sum);
    }
    return counts;
  }

  private void failUntilOpen(String subset) {
    failing = subset;
    for (int i = 0; i < MANY && guard.breakerState(subset) == State.CLOSED; i++) {
      call();
    }
    assertThat(guard.breakerState(subset)).isEqualTo(State.OPEN);
    subsets.clear();
  }

  @Test
  void callsAreSplitByWeight() {
    use(split("v1", 90, "v2", 10).build());
    Map<String, Integer> counts = calls(2_000);
    assertThat(counts).containsOnlyKeys("v1", "v2");
    assertThat(counts.get("v2")).isBetween(150, 250);
    use(split("v1", 1, "v2", 0).build());
    assertThat(calls(200)).containsOnlyKeys("v1");
  }

  @Test
  void withoutASplitAnAttemptHasNoSubset() {
    use(CallPolicy.defaults());
    assertThat(calls(3)).containsOnlyKeys("all");
    use(split("v1", 1, "v2", 1).without(Part.SPLIT).build());
    assertThat(calls(3)).containsOnlyKeys("all");
  }

  @Test
  void anInnerCallOfAnotherRemoteHasNoSubset() {
    use(split("v1", 1, "v2", 1).build());
    Resilience other = Resilience.create(time);
    String inner =
        operation.call(
            attempt ->
                other
                    .guard("inner")
                    .operation("op", Idempotency.SAFE)
                    .call(each -> each.subset().orElse("all")));
    assertThat(inner).isEqualTo("all");
  }

  @Test
  void aRetryStaysInItsSubsetWithItsKey() {
    failing = "v2";
    GuardedOperation keyed = guard.operation("charge", Idempotency.KEYED);
    int failed = 0;
    for (int i = 0; i < 5; i++) {
      subsets.clear();
      List<String> keys = new ArrayList<>();
      try {
        keyed.call(
            CallRules.BY_FAILURE,
            attempt -> {
              keys.add(attempt.idempotencyKey());
              return work(attempt);
            });
        assertThat(subsets).containsExactly("v1");
      } catch (CallException e) {
        failed++;
        assertThat(subsets).containsExactly("v2", "v2", "v2");
        assertThat(e.target()).hasToString("pricing/v2 charge");
        assertThat(keys).hasSize(3).allMatch(keys.get(0)::equals);
      } catch (CallRules.Failed e) {
        throw new IllegalStateException(e);
      }
    }
    assertThat(failed).isPositive();
  }

  @Test
  void aSubsetWhoseBreakerIsOpenGetsNothingAndTheOthersItsShare() {
    failUntilOpen("v2");
    assertThat(guard.breakerState("v1")).isEqualTo(State.CLOSED);
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
    assertThat(calls(200)).containsExactly(Map.entry("v1", 200));
    failing = "none";
    time.advance(Duration.ofMinutes(2));
    assertThat(calls(200).keySet()).contains("v1", "v2");
    assertThat(guard.breakerState("v2")).as("probed by calls").isEqualTo(State.CLOSED);
  }

  @Test
  void aRetryLeavesASubsetWhoseBreakerHasOpened() {
    failing = "v2";
    List<String> moved = List.of();
    for (int i = 0; i < MANY && guard.breakerState("v2") == State.CLOSED; i++) {
      subsets.clear();
      call();
      moved = List.copyOf(subsets);
    }
    // The breaker opens within a call. If that was not at its last attempt, it goes on elsewhere.
    assertThat(moved).startsWith("v2");
    assertThat(moved.size() == 3 && moved.get(1).equals("v2") || moved.contains("v1")).isTrue();
    use(split("v1", 1, "v2", 1).build());
    failUntilOpenAtTheFirstAttempt();
    assertThat(subsets).containsExactly("v2", "v1");
  }

  /** Opens the breaker of v2 with the first attempt of a call whose second one is observed. */
  private void failUntilOpenAtTheFirstAttempt() {
    failing = "v2";
    GuardedOperation single = guard.operation("order", Idempotency.NON_IDEMPOTENT);
    for (int i = 0; i < MANY; i++) {
      subsets.clear();
      boolean isNext = failuresOfV2 == 19;
      try {
        (isNext ? operation : single).call(CallRules.BY_FAILURE, this::work);
      } catch (CallException e) {
        failuresOfV2++;
      } catch (CallRules.Failed e) {
        throw new IllegalStateException(e);
      }
      if (isNext && subsets.contains("v2")) {
        return;
      }
    }
  }

  private int failuresOfV2;

  @Test
  void withEveryBreakerOpenTheCallIsRefused() {
    failUntilOpen("v2");
    failUntilOpen("v1");
    assertThat(call()).startsWith("BREAKER pricing/v");
    assertThat(subsets).isEmpty();
    assertThat(guard.gate().isOpen()).isFalse();
    time.advance(Duration.ofMinutes(2));
    assertThat(guard.gate().isOpen()).as("one message probes").isTrue();
    assertThat(guard.gate().isOpen()).isFalse();
  }

  @Test
  void theGateIsOpenWhileOneSubsetAnswers() {
    failUntilOpen("v2");
    assertThat(guard.gate().isOpen()).isTrue();
  }

  @Test
  void eachSubsetHasABulkheadOfItsOwn() {
    use(split("v1", 1, "v2", 1).maxInFlight(2).retry(RetryPolicy.none()).build());
    List<CompletableFuture<String>> open = new ArrayList<>();
    Map<String, Integer> started = new HashMap<>();
    int refused = 0;
    for (int i = 0; i < 30; i++) {
      CompletableFuture<String> call =
          operation.callAsync(
              attempt -> {
                started.merge(attempt.subset().orElseThrow(), 1, Integer::sum);
                CompletableFuture<String> stage = new CompletableFuture<>();
                open.add(stage);
                return stage;
              });
      refused += call.isCompletedExceptionally() ? 1 : 0;
    }
    assertThat(started).containsExactlyInAnyOrderEntriesOf(Map.of("v1", 2, "v2", 2));
    assertThat(refused).isEqualTo(26);
    assertThat(guard.inFlight()).isEqualTo(4);
    open.forEach(stage -> stage.complete("answer"));
    assertThat(guard.inFlight()).isZero();
  }

  /** A slot goes back to the subset of its attempt, also if the call has moved on meanwhile. */
  @Test
  void aStageThatIgnoresItsEndHoldsTheSlotOfItsOwnSubset() {
    use(split("v1", 1, "v2", 1).build());
    List<CompletableFuture<String>> stuck = new ArrayList<>();
    List<String> used = new ArrayList<>();
    operation.callAsync(
        attempt -> {
          used.add(attempt.subset().orElseThrow());
          CompletableFuture<String> stage =
              new CompletableFuture<>() {
                @Override
                public boolean cancel(boolean mayInterrupt) {
                  return false;
                }
              };
          stuck.add(stage);
          guard.lanes().find(used.get(0)).breaker.force(State.FORCED_OPEN);
          return stage;
        });
    time.advance(Duration.ofSeconds(3));
    assertThat(used).hasSize(2).doesNotHaveDuplicates();
    assertThat(guard.lanes().find(used.get(0)).bulkhead.inFlight()).isEqualTo(1);
    stuck.get(0).complete("late");
    assertThat(guard.lanes().find(used.get(0)).bulkhead.inFlight()).isZero();
    assertThat(guard.lanes().find(used.get(1)).bulkhead.inFlight()).isEqualTo(1);
  }

  @Test
  void aHedgeStaysInTheSubsetOfItsCall() {
    use(split("v1", 1, "v2", 1).hedging(HedgingConfig.of(Duration.ofMillis(20))).build());
    for (int i = 0; i < 10; i++) {
      List<String> used = new ArrayList<>();
      operation.callAsync(
          attempt -> {
            used.add(attempt.subset().orElseThrow());
            return used.size() == 1
                ? new CompletableFuture<String>()
                : CompletableFuture.completedFuture("answer");
          });
      time.advance(Duration.ofMillis(100));
      assertThat(used).hasSize(2).containsOnly(used.get(0));
    }
  }

  @Test
  void anOperationWithASubsetOfItsOwnIgnoresTheWeights() {
    failing = "v2";
    GuardedOperation fixed = operation.inSubset("v2");
    assertThat(fixed.target().subset()).contains("v2");
    for (int i = 0; i < MANY && guard.breakerState("v2") == State.CLOSED; i++) {
      assertThatThrownBy(() -> fixed.call(CallRules.BY_FAILURE, this::work))
          .isInstanceOf(CallException.class);
    }
    assertThat(subsets).containsOnly("v2");
    CallException refused =
        catchThrowableOfType(
            CallException.class, () -> fixed.call(CallRules.BY_FAILURE, this::work));
    assertThat(refused.refusal()).contains(Refusal.BREAKER);
    assertThat(calls(50)).as("one breaker for both").containsOnlyKeys("v1");
    assertThat(operation.inSubset("other").<String, RuntimeException>call(a -> "x")).isEqualTo("x");
  }

  @Test
  void subsetsThatOperationsNameAreBounded() {
    for (int i = 0; i < Lanes.MAX_SUBSETS; i++) {
      operation.inSubset("s" + i);
    }
    operation.inSubset("s0");
    assertThatIllegalStateException()
        .isThrownBy(() -> operation.inSubset("one-more"))
        .withMessageStartingWith("subsets of pricing: 65 (expected: 1..64");
    assertThatThrownBy(() -> operation.inSubset("a\nb"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void weightsChangeWhileBreakersKeepTheirState() {
    failUntilOpen("v2");
    operation.inSubset("named");
    apply("v1:1,v2:1,v3:98");
    assertThat(guard.breakerState("v2")).isEqualTo(State.OPEN);
    Map<String, Integer> counts = calls(300);
    assertThat(counts).containsOnlyKeys("v1", "v3");
    assertThat(counts.get("v3")).isGreaterThan(270);
    apply("v1:1");
    assertThat(guard.lanes().find("v2")).as("forgotten").isNull();
    assertThat(guard.lanes().find("named")).isNotNull();
    assertThat(calls(20)).containsOnlyKeys("v1");
    apply("off");
    assertThat(calls(20)).containsOnlyKeys("all");
    assertThat(guard.describe()).contains("calls.pricing.split = off (calls.pricing.split)\n");
  }

  private void apply(String weights) {
    resilience.apply(ResilienceConfig.fromMap(Map.of("calls.pricing.split", weights)));
  }

  @Test
  void theOperatorsChoiceHoldsForAllSubsets() {
    calls(20);
    guard.forceBreakerOpen();
    assertThat(call()).startsWith("BREAKER");
    assertThat(guard.breakerState("v1")).isEqualTo(State.FORCED_OPEN);
    operation.inSubset("later");
    assertThat(guard.breakerState("later")).isEqualTo(State.FORCED_OPEN);
    guard.resetBreaker();
    assertThat(guard.breakerState("later")).isEqualTo(State.CLOSED);
    assertThat(calls(20)).containsOnlyKeys("v1", "v2");
  }

  @Test
  void withoutBreakersTheWeightsAloneDecide() {
    use(split("v1", 1, "v2", 1).without(Part.BREAKER).retry(RetryPolicy.none()).build());
    failing = "v2";
    Map<String, Integer> counts = calls(200);
    assertThat(counts.get("v1")).isBetween(60, 140);
    assertThat(guard.breakerState("v2")).isEqualTo(State.CLOSED);
  }

  /** The leader's attempts have subsets, and its followers join it all the same. */
  @Test
  void sharedCallsEndForAllOfTheirFollowers() {
    List<CompletableFuture<String>> stages = new ArrayList<>();
    List<CompletableFuture<String>> calls = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      calls.add(
          operation
              .collapsing("a")
              .callAsync(
                  attempt -> {
                    CompletableFuture<String> stage = new CompletableFuture<>();
                    stages.add(stage);
                    return stage;
                  }));
    }
    calls.add(
        operation
            .inSubset("v9")
            .collapsing("a")
            .callAsync(attempt -> CompletableFuture.completedFuture("of v9")));
    assertThat(stages).hasSize(1);
    stages.get(0).complete("answer");
    time.runUntilIdle();
    assertThat(calls.subList(0, 3))
        .allSatisfy(each -> assertThat(each).isCompletedWithValue("answer"));
    assertThat(calls.get(3)).isCompletedWithValue("of v9");
    assertThat(guard.shared().size()).isZero();
  }
}
