package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.time.VirtualTime;
import io.commslib.http.EndpointPool.Endpoint;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class EndpointPoolTest {

  private static final CallOutcome OK = CallOutcome.answered(CallStatus.OK);
  private static final CallOutcome DOWN =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT);

  private final VirtualTime runtime = VirtualTime.startingAt(java.time.Instant.EPOCH, 7);

  private static List<URI> uris(int... numbers) {
    List<URI> uris = new ArrayList<>();
    for (int number : numbers) {
      uris.add(URI.create("http://h" + number));
    }
    return uris;
  }

  private EndpointPool pool(Endpoints endpoints) {
    return new EndpointPool("s", endpoints, runtime);
  }

  /** Makes attempts one after the other; returns how many each instance got. */
  private static Map<String, Integer> attempts(EndpointPool pool, int count, String failing) {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < count; i++) {
      Endpoint chosen = pool.begin(null);
      counts.merge(chosen.uri.getHost(), 1, Integer::sum);
      pool.end(chosen, chosen.uri.getHost().equals(failing) ? DOWN : OK);
    }
    return counts;
  }

  @Test
  void theLessLoadedOfTwoIsChosen() {
    EndpointPool pool = pool(Endpoints.of(uris(1, 2, 3)));
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      counts.merge(pool.begin(null).uri.getHost(), 1, Integer::sum);
    }
    assertThat(counts.values()).allSatisfy(count -> assertThat(count).isBetween(95, 105));
  }

  @Test
  void aRepeatedAttemptAvoidsTheInstanceBefore() {
    EndpointPool pool = pool(Endpoints.of(uris(1, 2)));
    for (int i = 0; i < 100; i++) {
      Endpoint first = pool.begin(null);
      assertThat(pool.begin(first)).isNotSameAs(first);
    }
    EndpointPool single = pool(Endpoints.of(uris(1)));
    Endpoint only = single.begin(null);
    assertThat(single.begin(only)).isSameAs(only);
  }

  @Test
  void anInstanceThatFailsIsLeftOutForATimeThatGrows() {
    EndpointPool pool = pool(Endpoints.of(uris(1, 2, 3)));
    attempts(pool, 100, "h1");
    assertThat(attempts(pool, 300, "h1")).doesNotContainKey("h1");
    runtime.advance(EndpointPool.FIRST_EJECTION.multipliedBy(5).dividedBy(4));
    assertThat(attempts(pool, 1_000, "h1").get("h1")).isEqualTo(EndpointPool.MAX_FAILURES);
    runtime.advance(EndpointPool.FIRST_EJECTION.multipliedBy(5).dividedBy(4));
    assertThat(attempts(pool, 300, "h1")).as("twice as long").doesNotContainKey("h1");
  }

  @Test
  void anInstanceThatComesBackGetsItsShareStepByStep() {
    EndpointPool pool = pool(Endpoints.of(uris(1, 2)));
    attempts(pool, 100, "h1");
    runtime.advance(EndpointPool.FIRST_EJECTION.multipliedBy(2));
    List<Endpoint> chosen = new ArrayList<>();
    for (int i = 0; i < 110; i++) {
      chosen.add(pool.begin(null));
    }
    long back = chosen.stream().filter(each -> each.uri.getHost().equals("h1")).count();
    assertThat(back).as("a tenth of its share").isBetween(5L, 20L);
    chosen.forEach(each -> pool.end(each, OK));
    runtime.advance(EndpointPool.SLOW_START);
    chosen.clear();
    for (int i = 0; i < 100; i++) {
      chosen.add(pool.begin(null));
    }
    assertThat(chosen.stream().filter(each -> each.uri.getHost().equals("h1")).count())
        .isEqualTo(50);
  }

  @Test
  void atMostHalfOfTheInstancesAreLeftOut() {
    EndpointPool pool = pool(Endpoints.of(uris(1, 2, 3, 4)));
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 1_000; i++) {
      Endpoint chosen = pool.begin(null);
      if (i >= 500) {
        counts.merge(chosen.uri.getHost(), 1, Integer::sum);
      }
      pool.end(chosen, DOWN);
    }
    assertThat(counts).hasSize(2);
    EndpointPool single = pool(Endpoints.of(uris(1)));
    assertThat(attempts(single, 100, "h1")).containsEntry("h1", 100);
  }

  @Test
  void rejectionsAndCancelsNeverLeaveOut() {
    EndpointPool pool = pool(Endpoints.of(uris(1, 2)));
    for (CallOutcome outcome :
        List.of(
            CallOutcome.answered(CallStatus.NOT_FOUND),
            CallOutcome.answered(CallStatus.RESOURCE_EXHAUSTED),
            CallOutcome.of(CallStatus.CANCELLED, SendCertainty.MAYBE_SENT))) {
      for (int i = 0; i < 100; i++) {
        Endpoint chosen = pool.begin(null);
        pool.end(chosen, outcome);
      }
      assertThat(attempts(pool, 100, "none")).hasSize(2);
    }
  }

  @Test
  void removedInstancesGetNothingAndNewOnesTheirShare() {
    AtomicReference<List<URI>> addresses = new AtomicReference<>(uris(1, 2));
    EndpointPool pool = pool(addresses::get);
    Endpoint inFlight = pool.begin(null);
    addresses.set(uris(3));
    assertThat(attempts(pool, 50, "none")).as("not asked yet").doesNotContainKey("h3");
    runtime.advance(EndpointPool.REFRESH);
    attempts(pool, 1, "none");
    assertThat(attempts(pool, 50, "none")).containsOnlyKeys("h3");
    pool.end(inFlight, OK);
    assertThat(inFlight.inFlight()).isZero();
  }

  @Test
  void aSourceThatFailsChangesNothing() {
    AtomicInteger asked = new AtomicInteger();
    List<Endpoints> failures =
        List.of(
            () -> {
              throw new LinkageError("broken");
            },
            () -> List.of(),
            () -> null,
            () -> List.of(URI.create("ftp://h9")));
    AtomicReference<Endpoints> source = new AtomicReference<>(Endpoints.of(uris(1, 2)));
    EndpointPool pool =
        pool(
            () -> {
              asked.incrementAndGet();
              return source.get().current();
            });
    for (Endpoints failing : failures) {
      source.set(failing);
      runtime.advance(EndpointPool.REFRESH);
      int before = asked.get();
      assertThat(attempts(pool, 50, "none")).containsOnlyKeys("h1", "h2");
      assertThat(asked.get()).as("asked once").isEqualTo(before + 1);
    }
    assertThatThrownBy(() -> pool(Endpoints.of(List.of())))
        .hasMessage("addresses: 0 (expected: 1..1000)");
  }

  @Test
  void manyThreadsLeaveNothingInFlight() throws Exception {
    EndpointPool pool = pool(Endpoints.of(uris(1, 2, 3)));
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int seed = t;
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < 5_000; i++) {
                  pool.end(pool.begin(null), (i + seed) % 3 == 0 ? DOWN : OK);
                }
              });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join(Duration.ofSeconds(30).toMillis());
    }
    assertThat(pool.endpoints()).allSatisfy(each -> assertThat(each.inFlight()).isZero());
  }
}
