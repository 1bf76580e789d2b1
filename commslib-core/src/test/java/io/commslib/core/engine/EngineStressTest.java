package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.SystemRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Threads feed scopes and revoke them, while some handlers fail. In each key nothing overlaps or
 * changes its order, no handler starts in a revoked idle scope, and the ledger balances.
 */
class EngineStressTest {

  private static final int FEEDERS = 3;
  private static final int SCOPES = 40;
  private static final int MESSAGES = 150;

  private final EngineFixture fixture = new EngineFixture();
  private final Set<String> busy = ConcurrentHashMap.newKeySet();
  private final Set<String> lost = ConcurrentHashMap.newKeySet();
  private final Map<String, Integer> lastDone = new ConcurrentHashMap<>();
  private final AtomicReference<String> violation = new AtomicReference<>();

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void keepsItsGuaranteesWhileScopesComeAndGo(boolean batches) throws Exception {
    try (SystemRuntime system = SystemRuntime.create()) {
      SubscriptionConfig.Builder config =
          fixture
              .config()
              .workers(6)
              .maxInFlight(1_000)
              .withoutDeadLetterBreaker()
              .retry(
                  RetrySchedule.builder()
                      .attemptsAtOnce(100)
                      .backoff(Backoff.exponential(Duration.ZERO, Duration.ofMillis(1)))
                      .withoutDelays()
                      .build());
      if (batches) {
        config.batch(new BatchBounds(16, 1 << 20, Duration.ofMillis(1)));
      }
      BatchHandler handler = this::handle;
      fixture.start(config.build(), handler, system, CommsObserver.none());
      CountDownLatch fed = new CountDownLatch(FEEDERS);
      for (int feeder = 0; feeder < FEEDERS; feeder++) {
        int number = feeder;
        system
            .newThread(
                "feeder-" + feeder,
                () -> {
                  try {
                    feed(number, new SplittableRandom(number));
                  } finally {
                    fed.countDown();
                  }
                })
            .start();
      }
      assertThat(fed.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(fixture.engine().drain(Duration.ofSeconds(60))).isTrue();
      assertThat(violation.get()).isNull();
      assertThat(fixture.engine().snapshot().imbalance()).isZero();
      assertThat(fixture.acknowledged()).doesNotHaveDuplicates().isNotEmpty();
      fixture.engine().close();
    }
  }

  private void feed(int feeder, SplittableRandom random) {
    for (int number = 0; number < SCOPES; number++) {
      String scope = feeder + "." + number;
      List<RawDelivery> deliveries = new ArrayList<>();
      for (int i = 0; i < MESSAGES; i++) {
        String key = random.nextInt(10) == 0 ? null : scope + "/k" + random.nextInt(6);
        String id = scope + "/" + i;
        deliveries.add(fixture.delivery(id, key, EngineFixture.wire(id, key), scope));
      }
      int taken = 0;
      while (taken < deliveries.size()) {
        taken += fixture.engine().acceptWhileOpen(deliveries.subList(taken, deliveries.size()));
      }
      if (number == 0) {
        // A scope may be revoked before any of its records is handled, except for the first one.
        awaitTheFirstAcknowledged();
      }
      if (random.nextBoolean()) {
        fixture.engine().awaitScopeIdle(scope, Duration.ofMillis(1));
      }
      fixture.engine().stopScope(scope);
      if (fixture.engine().awaitScopeIdle(scope, Duration.ofSeconds(60))) {
        lost.add(scope);
      } else {
        violation.compareAndSet(null, "scope " + scope + " did not become idle");
      }
      fixture.engine().revoke(scope);
    }
  }

  private void awaitTheFirstAcknowledged() {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (fixture.acknowledged().isEmpty() && System.nanoTime() < limit) {
      Thread.onSpinWait();
    }
  }

  private List<Settlement> handle(List<Delivery> batch) {
    SplittableRandom random = new SplittableRandom(System.identityHashCode(batch));
    List<String> keys = new ArrayList<>();
    for (Delivery delivery : batch) {
      String id = delivery.message().id();
      if (lost.contains(id.substring(0, id.indexOf('/')))) {
        violation.compareAndSet(null, id + " started after its scope was lost");
      }
      delivery
          .message()
          .key()
          .filter(key -> !keys.contains(key))
          .ifPresent(
              key -> {
                keys.add(key);
                if (!busy.add(key)) {
                  violation.compareAndSet(null, "two handlers of " + key);
                }
              });
    }
    Thread.yield();
    List<Settlement> outcomes = new ArrayList<>();
    Set<String> stopped = ConcurrentHashMap.newKeySet();
    for (Delivery delivery : batch) {
      String key = delivery.message().key().orElse("");
      boolean done = random.nextInt(8) != 0;
      outcomes.add(done ? Settlement.done() : Settlement.retry());
      if (!done) {
        stopped.add(key);
      } else if (!key.isEmpty() && !stopped.contains(key)) {
        note(key, delivery.message().id());
      }
    }
    keys.forEach(busy::remove);
    return outcomes;
  }

  private void note(String key, String id) {
    int number = Integer.parseInt(id.substring(id.indexOf('/') + 1));
    Integer before = lastDone.put(key, number);
    if (before != null && before >= number) {
      violation.compareAndSet(null, id + " after " + before + " in " + key);
    }
  }
}
