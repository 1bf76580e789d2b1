package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.RateLimiter;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Policies are replaced while calls run, and keep their state. */
class ApplyTest {

  private final VirtualTime time = VirtualTime.create();

  private static ResilienceConfig config(String... keysAndValues) {
    Map<String, String> entries = new TreeMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      entries.put("calls." + keysAndValues[i], keysAndValues[i + 1]);
    }
    return ResilienceConfig.fromMap(entries);
  }

  @Test
  void existingAndFutureGuardsHaveTheNewPolicies() {
    Resilience resilience = Resilience.create(time, config("a.deadline", "1s"));
    Guard existing = resilience.guard("a");
    Guard other = resilience.guard("b");
    other.replacePolicy(CallPolicy.builder().maxInFlight(9).build());
    assertThat(existing.policy().deadline()).isEqualTo(Duration.ofSeconds(1));
    assertThat(resilience.describe())
        .startsWith("calls.default.deadline = 5s (default)\n")
        .contains("calls.a.deadline = 1s (calls.a.deadline)\n")
        .contains("calls.b.bulkhead.maxInFlight = 9 (code)\n");
    resilience.apply(config("a.deadline", "3s", "default.deadline", "4s"));
    assertThat(existing.policy().deadline()).isEqualTo(Duration.ofSeconds(3));
    assertThat(other.policy().deadline()).isEqualTo(Duration.ofSeconds(4));
    assertThat(other.policy().maxInFlight()).isEqualTo(CallPolicy.DEFAULT_MAX_IN_FLIGHT);
    assertThat(resilience.guard("later").policy().deadline()).isEqualTo(Duration.ofSeconds(4));
    assertThat(existing.describe())
        .startsWith("calls.a.deadline = 3s (calls.a.deadline)\ncalls.a.collapse.enabled = true (")
        .endsWith("calls.a.attemptTimeout = 2s (default)\n");
    assertThat(existing.describe().lines()).hasSize(PolicySetting.values().length);
  }

  @Test
  void theStateOfAllPoliciesStays() {
    Resilience resilience =
        Resilience.create(time, config("a.rateLimiter.perSecond", "10", "a.budget.perSecond", "0"));
    Guard guard = resilience.guard("a");
    guard.forceBreakerOpen();
    for (int i = 0; i < 100; i++) {
      guard.budget().deposit();
    }
    for (int i = 0; i < 5; i++) {
      assertThat(guard.budget().tryWithdraw()).isTrue();
    }
    for (int i = 0; i < 7; i++) {
      assertThat(guard.rate().reserve(0)).isZero();
    }
    assertThat(guard.lanes().all().bulkhead.tryAcquire()).isTrue();
    assertThat(guard.budget().balance()).isEqualTo(15);
    resilience.apply(
        config(
            "a.rateLimiter.perSecond", "1000",
            "a.budget.perSecond", "0",
            "a.budget.window", "60s",
            "a.breaker.openTime", "1s",
            "a.bulkhead.maxInFlight", "2"));
    assertThat(guard.breakerState()).isEqualTo(State.FORCED_OPEN);
    assertThat(guard.budget().balance()).isEqualTo(15);
    assertThat(guard.inFlight()).isEqualTo(1);
    for (int i = 0; i < 3; i++) {
      assertThat(guard.rate().reserve(0)).isZero();
    }
    assertThat(guard.rate().reserve(0)).isEqualTo(RateLimiter.REFUSED);
  }

  @Test
  void aLimiterThatIsSwitchedOnBeginsWithItsBurst() {
    Resilience resilience = Resilience.create(time);
    Guard guard = resilience.guard("a");
    resilience.apply(config("default.rateLimiter.perSecond", "20"));
    for (int i = 0; i < 20; i++) {
      assertThat(guard.rate().reserve(0)).isZero();
    }
    assertThat(guard.rate().reserve(0)).isEqualTo(RateLimiter.REFUSED);
  }

  @Test
  void aSmallerBucketKeepsWhatItHasRoomFor() {
    TokenBucket bucket = new TokenBucket(new RateLimiterConfig(1, 100, Duration.ZERO), time.time());
    for (int i = 0; i < 50; i++) {
      assertThat(bucket.reserve(0)).isZero();
    }
    bucket.rate(new RateLimiterConfig(1, 5, Duration.ZERO));
    for (int i = 0; i < 5; i++) {
      assertThat(bucket.reserve(0)).isZero();
    }
    assertThat(bucket.reserve(0)).isEqualTo(RateLimiter.REFUSED);
    bucket.rate(new RateLimiterConfig(1, 100, Duration.ZERO));
    assertThat(bucket.reserve(0)).isEqualTo(RateLimiter.REFUSED);
  }

  @Test
  void whatABudgetCountedStaysForItsNewWindowAndNeverComesBack() {
    WindowBudget budget =
        new WindowBudget(new RetryBudgetConfig(10, 0, Duration.ofSeconds(10)), time.time());
    time.advance(Duration.ofSeconds(100));
    for (int i = 0; i < 1_000; i++) {
      budget.deposit();
      time.advance(Duration.ofMillis(9));
    }
    budget.config(new RetryBudgetConfig(10, 0, Duration.ofSeconds(20)));
    assertThat(budget.balance()).isEqualTo(100);
    time.advance(Duration.ofSeconds(17));
    assertThat(budget.balance()).isEqualTo(100);
    time.advance(Duration.ofSeconds(4));
    for (int i = 0; i < 300; i++) {
      assertThat(budget.balance()).isZero();
      time.advance(Duration.ofSeconds(1));
    }
  }

  /** Each guard ends with the last configuration, also one that is created meanwhile. */
  @Test
  void aGuardThatIsCreatedWhileAConfigurationIsAppliedHasIt() throws InterruptedException {
    ResilienceConfig next = config("default.bulkhead.maxInFlight", "3");
    for (int round = 0; round < 50; round++) {
      Resilience resilience = Resilience.create(time);
      AtomicBoolean started = new AtomicBoolean();
      List<Guard> guards = new ArrayList<>();
      Thread creator =
          new Thread(
              () -> {
                for (int i = 0; i < 200; i++) {
                  guards.add(resilience.guard("remote" + i));
                  started.set(true);
                }
              });
      creator.start();
      while (!started.get()) {
        Thread.onSpinWait();
      }
      resilience.apply(next);
      creator.join();
      assertThat(guards).hasSize(200).allMatch(guard -> guard.policy().maxInFlight() == 3);
    }
  }

  @Test
  void policiesInCodeAndAConfigurationExcludeEachOther() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                Resilience.builder(time)
                    .defaults(CallPolicy.defaults())
                    .config(ResilienceConfig.fromMap(Map.of()))
                    .build())
        .withMessageStartingWith("config: set beside defaults or policy (expected: ");
  }
}
