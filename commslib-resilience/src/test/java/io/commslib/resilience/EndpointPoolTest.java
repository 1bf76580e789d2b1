package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EndpointPoolTest {

  private static final CallOutcome OK = CallOutcome.answered(CallStatus.OK);
  private static final CallOutcome DOWN =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT);

  private static final Duration PERIOD = Duration.ofSeconds(1);

  private final VirtualTime runtime = VirtualTime.startingAt(java.time.Instant.EPOCH, 7);

  private static List<String> hosts(int... numbers) {
    List<String> hosts = new ArrayList<>();
    for (int number : numbers) {
      hosts.add("h" + number);
    }
    return hosts;
  }

  private EndpointPool<String> pool(int... numbers) {
    return EndpointPool.<String>builder("s", runtime).endpoints(hosts(numbers)).build();
  }

  private EndpointPool<String> pool(Callable<List<String>> source) {
    return EndpointPool.<String>builder("s", runtime)
        .endpoints(hosts(1, 2))
        .poll(PERIOD, source)
        .build();
  }

  /** Makes attempts one after the other; returns how many each instance got. */
  private static Map<String, Integer> attempts(
      EndpointPool<String> pool, int count, String failing) {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < count; i++) {
      EndpointPermit<String> chosen = pool.choose(null);
      counts.merge(chosen.endpoint(), 1, Integer::sum);
      chosen.ended(chosen.endpoint().equals(failing) ? DOWN : OK, 0);
    }
    return counts;
  }

  @Test
  void theLessLoadedOfTwoIsChosen() {
    EndpointPool<String> pool = pool(1, 2, 3);
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      counts.merge(pool.choose(null).endpoint(), 1, Integer::sum);
    }
    assertThat(counts.values()).allSatisfy(count -> assertThat(count).isBetween(95, 105));
  }

  @Test
  void aRepeatedAttemptAvoidsTheInstanceBefore() {
    EndpointPool<String> pool = pool(1, 2);
    for (int i = 0; i < 100; i++) {
      EndpointPermit<String> first = pool.choose(null);
      assertThat(pool.choose(first).endpoint()).isNotEqualTo(first.endpoint());
    }
    EndpointPool<String> single = pool(1);
    EndpointPermit<String> only = single.choose(null);
    assertThat(single.choose(only).endpoint()).isEqualTo(only.endpoint());
  }

  @Test
  void anInstanceThatFailsIsLeftOutForATimeThatGrows() {
    EndpointPool<String> pool = pool(1, 2, 3);
    attempts(pool, 100, "h1");
    assertThat(attempts(pool, 300, "h1")).doesNotContainKey("h1");
    runtime.advance(Endpoint.FIRST_EJECTION.multipliedBy(5).dividedBy(4));
    assertThat(attempts(pool, 1_000, "h1").get("h1")).isEqualTo(Endpoint.MAX_FAILURES);
    runtime.advance(Endpoint.FIRST_EJECTION.multipliedBy(5).dividedBy(4));
    assertThat(attempts(pool, 300, "h1")).as("twice as long").doesNotContainKey("h1");
  }

  @Test
  void anInstanceThatComesBackGetsItsShareStepByStep() {
    EndpointPool<String> pool = pool(1, 2);
    attempts(pool, 100, "h1");
    runtime.advance(Endpoint.FIRST_EJECTION.multipliedBy(2));
    List<EndpointPermit<String>> chosen = new ArrayList<>();
    for (int i = 0; i < 110; i++) {
      chosen.add(pool.choose(null));
    }
    long back = chosen.stream().filter(each -> each.endpoint().equals("h1")).count();
    assertThat(back).as("a tenth of its share").isBetween(5L, 20L);
    chosen.forEach(each -> each.ended(OK, 0));
    runtime.advance(Endpoint.SLOW_START);
    chosen.clear();
    for (int i = 0; i < 100; i++) {
      chosen.add(pool.choose(null));
    }
    assertThat(chosen.stream().filter(each -> each.endpoint().equals("h1")).count()).isEqualTo(50);
  }

  @Test
  void atMostHalfOfTheInstancesAreLeftOut() {
    EndpointPool<String> pool = pool(1, 2, 3, 4);
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 1_000; i++) {
      EndpointPermit<String> chosen = pool.choose(null);
      if (i >= 500) {
        counts.merge(chosen.endpoint(), 1, Integer::sum);
      }
      chosen.ended(DOWN, 0);
    }
    assertThat(counts).hasSize(2);
    EndpointPool<String> single = pool(1);
    assertThat(attempts(single, 100, "h1")).containsEntry("h1", 100);
  }

  @Test
  void rejectionsAndCancelsNeverLeaveOut() {
    EndpointPool<String> pool = pool(1, 2);
    for (CallOutcome outcome :
        List.of(
            CallOutcome.answered(CallStatus.NOT_FOUND),
            CallOutcome.answered(CallStatus.RESOURCE_EXHAUSTED),
            CallOutcome.of(CallStatus.CANCELLED, SendCertainty.MAYBE_SENT))) {
      for (int i = 0; i < 100; i++) {
        EndpointPermit<String> chosen = pool.choose(null);
        chosen.ended(outcome, 0);
      }
      assertThat(attempts(pool, 100, "none")).hasSize(2);
    }
  }

  @Test
  void removedInstancesGetNothingAndNewOnesTheirShare() {
    AtomicReference<List<String>> addresses = new AtomicReference<>(hosts(1, 2));
    EndpointPool<String> pool = pool(addresses::get);
    EndpointPermit<String> inFlight = pool.choose(null);
    addresses.set(hosts(3));
    assertThat(attempts(pool, 50, "none")).as("not asked yet").doesNotContainKey("h3");
    runtime.advance(PERIOD);
    attempts(pool, 1, "none");
    assertThat(attempts(pool, 50, "none")).containsOnlyKeys("h3");
    inFlight.ended(DOWN, 0);
    assertThat(pool.inFlight()).containsOnlyKeys("h3").containsValue(0);
  }

  @Test
  void aSourceThatFailsChangesNothing() {
    AtomicInteger asked = new AtomicInteger();
    List<Callable<List<String>>> failures =
        List.of(
            () -> {
              throw new LinkageError("broken");
            },
            () -> List.of(),
            () -> null,
            () -> Collections.nCopies(3, null),
            () -> IntStream.rangeClosed(0, 1_000).mapToObj(i -> "many" + i).toList());
    AtomicReference<Callable<List<String>>> source = new AtomicReference<>();
    EndpointPool<String> pool =
        pool(
            () -> {
              asked.incrementAndGet();
              return source.get().call();
            });
    for (Callable<List<String>> failing : failures) {
      source.set(failing);
      runtime.advance(PERIOD);
      int before = asked.get();
      assertThat(attempts(pool, 50, "none")).containsOnlyKeys("h1", "h2");
      assertThat(asked.get()).as("asked once").isEqualTo(before + 1);
    }
  }

  @Test
  void pushedEndpointsReplaceThoseBefore() {
    EndpointPool<String> pool = pool(1, 2);
    pool.replace(hosts(2, 3));
    assertThat(pool.endpoints()).containsExactly("h2", "h3");
    pool.replace(List.of());
    assertThat(pool.choose(null)).isNull();
    pool.replace(hosts(4));
    assertThat(attempts(pool, 5, "none")).containsOnlyKeys("h4");
  }

  @Test
  void eachAttemptOfACallGoesToAnotherEndpointWhileThereIsOne() {
    EndpointPool<String> pool = pool(1, 2, 3);
    for (int i = 0; i < 100; i++) {
      EndpointPermit<String> first = pool.choose(null);
      EndpointPermit<String> second = pool.choose(first);
      EndpointPermit<String> third = pool.choose(second);
      assertThat(List.of(first.endpoint(), second.endpoint(), third.endpoint()))
          .doesNotHaveDuplicates();
      EndpointPermit<String> fourth = pool.choose(third);
      assertThat(fourth.endpoint()).isNotEqualTo(third.endpoint());
      List.of(first, second, third, fourth).forEach(EndpointPermit::released);
    }
  }

  @Test
  void aRepeatedAttemptPrefersTheOnlyOneThatIsNotLeftOut() {
    EndpointPool<String> pool = pool(1, 2);
    attempts(pool, 100, "h1");
    assertThat(pool.ejected()).containsExactly("h1");
    EndpointPermit<String> first = pool.choose(null);
    for (int i = 0; i < 50; i++) {
      assertThat(pool.choose(first).endpoint()).isEqualTo("h2");
    }
  }

  @Test
  void aPermitEndsOnce() {
    EndpointPool<String> pool = pool(1, 2);
    EndpointPermit<String> chosen = pool.choose(null);
    assertThat(pool.inFlight()).containsEntry(chosen.endpoint(), 1);
    chosen.released();
    chosen.released();
    for (int i = 0; i < 10; i++) {
      chosen.ended(DOWN, 0);
    }
    assertThat(pool.inFlight()).containsEntry("h1", 0).containsEntry("h2", 0);
    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void whatBreaksARuleIsRefused() {
    assertThatThrownBy(() -> pool(IntStream.rangeClosed(0, 1_000).toArray()))
        .hasMessage("endpoints: 1001 (expected: 0..1000)");
    assertThatThrownBy(
            () -> EndpointPool.builder("s", runtime).poll(Duration.ZERO, () -> List.of("h")))
        .hasMessageStartingWith("period: ");
    assertThatThrownBy(() -> EndpointPool.builder("", runtime)).hasMessageStartingWith("name: ");
  }

  @Test
  void manyThreadsLeaveNothingInFlight() throws Exception {
    EndpointPool<String> pool = pool(1, 2, 3);
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int seed = t;
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < 5_000; i++) {
                  pool.choose(null).ended((i + seed) % 3 == 0 ? DOWN : OK, 0);
                }
              });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join(Duration.ofSeconds(30).toMillis());
    }
    assertThat(pool.inFlight().values()).containsOnly(0);
  }
}
