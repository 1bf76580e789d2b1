package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeliveryEngineTest {

  private static final CloudEventsEnvelope ENVELOPE = new CloudEventsEnvelope("ce_");
  private static final Destination ORDERS = Destination.queue("orders");

  private final VirtualTime time = VirtualTime.create();
  private final List<String> acknowledged = new ArrayList<>();
  private final List<String> givenBack = new ArrayList<>();
  private final List<ForeignRecord> deadLetters = new ArrayList<>();
  private boolean deadLetterTargetDown;
  private DeliveryEngine engine;

  @AfterEach
  void ledgerBalances() {
    if (engine != null) {
      assertThat(engine.snapshot().imbalance()).isZero();
    }
  }

  @Test
  void handlesOtherKeysWhileTheHeadOfAKeyWaits() {
    List<String> handled = new ArrayList<>();
    start(
        config().retry(schedule(5)).build(),
        delivery -> {
          if (delivery.message().id().equals("a1") && delivery.attempt() < 3) {
            return Settlement.retry();
          }
          handled.add(delivery.message().id());
          return Settlement.done();
        });
    accept("a1", "a");
    accept("a2", "a");
    accept("b1", "b");
    time.runUntilIdle();
    assertThat(handled).containsExactly("b1");
    assertThat(engine.snapshot().count(Count.WAITING)).isEqualTo(2);
    time.advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("b1", "a1", "a2");
    assertThat(acknowledged).containsExactlyInAnyOrder("a1", "a2", "b1");
  }

  @Test
  void retryNeverRunsBeforeItsDelay() {
    AtomicInteger attempts = new AtomicInteger();
    start(
        config().build(),
        delivery ->
            attempts.incrementAndGet() == 1
                ? Settlement.retry(Duration.ofSeconds(30))
                : Settlement.done());
    accept("m", "k");
    time.advance(Duration.ofMillis(29_999));
    assertThat(attempts).hasValue(1);
    time.advance(Duration.ofMillis(1));
    assertThat(attempts).hasValue(2);
  }

  @Test
  void deadLettersAfterTheLastAttemptAndAcknowledgesOnlyThen() {
    start(
        config().retry(schedule(3)).build(),
        delivery -> {
          throw new IllegalStateException("boom");
        });
    deadLetterTargetDown = true;
    accept("m", "k");
    time.advance(Duration.ofSeconds(20));
    assertThat(acknowledged).isEmpty();
    assertThat(engine.health().reason()).contains("dead-letter target");
    deadLetterTargetDown = false;
    time.advance(Duration.ofSeconds(20));
    assertThat(acknowledged).containsExactly("m");
    assertThat(deadLetters).hasSize(1);
    Map<String, String> headers = deadLetters.get(0).texts();
    assertThat(headers)
        .containsEntry("commslib-dlq-attempts", "3")
        .containsEntry("commslib-dlq-reason", "ATTEMPTS_EXHAUSTED")
        .containsEntry("commslib-dlq-source", "queue:orders");
    assertThat(headers.get("commslib-dlq-last-cause")).contains("boom");
    assertThat(engine.snapshot().count(Count.DEAD_LETTERED)).isEqualTo(1);
  }

  @Test
  void deadLettersAnUndecodableRecordWithoutCallingTheHandler() {
    AtomicInteger handled = new AtomicInteger();
    start(
        config().build(),
        delivery -> {
          handled.incrementAndGet();
          return Settlement.done();
        });
    engine.accept(new TestDelivery("x", "k", new ForeignRecord("k", Map.of(), new byte[0]), this));
    accept("y", "k");
    time.runUntilIdle();
    assertThat(handled).hasValue(1);
    assertThat(deadLetters.get(0).texts())
        .containsEntry("commslib-dlq-reason", "COMMS-CORE-021")
        .containsEntry("commslib-dlq-attempts", "0");
  }

  @Test
  void aBodyOverTheReadersLimitIsADeadLetterThatNamesBothSettings() {
    engine =
        engineBuilder(config().build(), delivery -> Settlement.done())
            .runtime(time)
            .maxBodyBytes(2)
            .build();
    Message large = Message.builder("t").id("m").body(new byte[3]).build();
    engine.accept(new TestDelivery("m", "k", ENVELOPE.write(large), this));
    time.runUntilIdle();
    assertThat(deadLetters.get(0).texts().get("commslib-dlq-last-cause"))
        .endsWith(
            "COMMS-CORE-025: message bytes: 3 (expected: 0..2, maxMessageBytes of this reader; the"
                + " maxMessageBytes of the writer is larger, or the writer has none)");
  }

  @Test
  void anOutagePausesTheRouteAndConsumesNoAttempt() {
    AtomicBoolean down = new AtomicBoolean(true);
    AtomicInteger calls = new AtomicInteger();
    start(
        config().retry(schedule(2)).build(),
        delivery -> {
          calls.incrementAndGet();
          if (down.get()) {
            throw new StoreException(
                "COMMS-TEST-001", FailureKind.TRANSIENT, "database is down", null);
          }
          assertThat(delivery.attempt()).isEqualTo(1);
          return Settlement.done();
        });
    for (int i = 0; i < 50; i++) {
      accept("m" + i, "k" + i);
    }
    time.advance(Duration.ofMinutes(2));
    assertThat(calls.get()).as("probes, not a loop").isLessThan(120);
    assertThat(engine.snapshot().isRoutePaused()).isTrue();
    down.set(false);
    time.advance(Duration.ofSeconds(30));
    assertThat(acknowledged).hasSize(50);
    assertThat(deadLetters).isEmpty();
    assertThat(engine.snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void aClosedGateStartsNothing() {
    AtomicBoolean open = new AtomicBoolean();
    start(config().gate(open::get).build(), delivery -> Settlement.done());
    accept("m", "k");
    time.advance(Duration.ofMinutes(1));
    assertThat(acknowledged).isEmpty();
    open.set(true);
    time.advance(Duration.ofSeconds(1));
    assertThat(acknowledged).containsExactly("m");
  }

  @Test
  void closesTheIntakeAtHalfTheBoundOfWaitingMessagesAndOpensItBelow() {
    AtomicBoolean failing = new AtomicBoolean(true);
    start(
        config().maxInFlight(10).workers(1).retry(schedule(100)).build(),
        delivery -> failing.get() ? Settlement.retry(Duration.ofSeconds(1)) : Settlement.done());
    for (int i = 0; i < 5; i++) {
      assertThat(engine.isIntakeOpen()).isTrue();
      accept("m" + i, "k" + i);
      time.runUntilIdle();
    }
    assertThat(engine.isIntakeOpen()).isFalse();
    failing.set(false);
    time.advance(Duration.ofSeconds(2));
    assertThat(engine.isIntakeOpen()).isTrue();
    assertThat(acknowledged).hasSize(5);
  }

  @Test
  void givesBackTheRestOfAKeyBehindAMessageGivenBack() {
    start(
        config().build(),
        delivery ->
            delivery.message().id().equals("a1") ? Settlement.giveBack() : Settlement.done());
    engine.pause();
    accept("a1", "a");
    accept("a2", "a");
    accept("b1", "b");
    engine.resume();
    time.runUntilIdle();
    assertThat(givenBack).containsExactly("a1", "a2");
    assertThat(acknowledged).containsExactly("b1");
  }

  @Test
  void aRevokedScopeIsNoLongerHandledOrSettled() {
    List<String> handled = new ArrayList<>();
    start(
        config().build(),
        delivery -> {
          handled.add(delivery.message().id());
          return Settlement.done();
        });
    engine.pause();
    Object lost = new Object();
    engine.accept(new TestDelivery("m1", "k", wire("m1", "k"), lost));
    accept("m2", "k");
    engine.revoke(lost);
    engine.resume();
    time.runUntilIdle();
    assertThat(handled).containsExactly("m2");
    assertThat(givenBack).isEmpty();
    assertThat(engine.snapshot().count(Count.GIVEN_BACK)).isEqualTo(1);
  }

  /** Otherwise an adapter that takes nothing while the route is paused would take nothing again. */
  @Test
  void aRouteWithoutAnyRecordLeftToProbeOpens() {
    start(
        config().build(),
        delivery -> {
          throw new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "down", null);
        });
    Object lost = new Object();
    engine.accept(new TestDelivery("m1", "k", wire("m1", "k"), lost));
    time.runUntilIdle();
    engine.pause();
    time.advance(Duration.ofMinutes(1));
    engine.revoke(lost);
    assertThat(engine.snapshot().isRoutePaused()).as("by the user").isTrue();
    engine.resume();
    assertThat(engine.snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void drainGivesBackWhatHasNotStarted() {
    start(config().build(), delivery -> Settlement.done());
    engine.pause();
    accept("m1", "k");
    accept("m2", "k");
    assertThat(engine.drain(Duration.ofSeconds(1))).isTrue();
    assertThat(givenBack).containsExactly("m1", "m2");
    accept("m3", "k");
    assertThat(givenBack).containsExactly("m1", "m2", "m3");
  }

  @Test
  void aHandlerPastItsDeadlineIsInterruptedAndItsLaneReusedOnlyAfterItReturned() throws Exception {
    try (SystemRuntime system = SystemRuntime.create()) {
      CountDownLatch interrupted = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      CountDownLatch second = new CountDownLatch(1);
      AtomicInteger concurrent = new AtomicInteger();
      AtomicBoolean overlapped = new AtomicBoolean();
      MessageHandler handler =
          delivery -> {
            overlapped.compareAndSet(false, concurrent.incrementAndGet() > 1);
            try {
              if (delivery.attempt() == 1 && delivery.message().id().equals("m1")) {
                awaitIgnoringInterrupts(release, interrupted);
              }
              if (delivery.message().id().equals("m2")) {
                second.countDown();
              }
              return Settlement.done();
            } finally {
              concurrent.decrementAndGet();
            }
          };
      engine =
          engineBuilder(
                  config().handlerDeadline(Duration.ofMillis(30)).retry(schedule(5)).build(),
                  handler)
              .runtime(system)
              .build();
      accept("m1", "k");
      accept("m2", "k");
      assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(second.await(50, TimeUnit.MILLISECONDS)).isFalse();
      assertThat(engine.snapshot().stuckHandlers()).isEqualTo(1);
      release.countDown();
      assertThat(second.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(overlapped).isFalse();
      assertThat(engine.drain(Duration.ofSeconds(10))).isTrue();
      engine.close();
    }
  }

  @Test
  void keepsOrderPerKeyAndTheLedgerOverRandomRunsWithThreads() throws Exception {
    SplittableRandom random = new SplittableRandom(7);
    try (SystemRuntime system = SystemRuntime.create()) {
      for (int run = 0; run < 20; run++) {
        Map<String, List<Integer>> seen = new HashMap<>();
        Set<String> busy = new HashSet<>();
        AtomicBoolean overlap = new AtomicBoolean();
        CountDownLatch all = new CountDownLatch(2_000);
        long seed = random.nextLong();
        SplittableRandom outcomes = new SplittableRandom(seed);
        MessageHandler handler =
            delivery -> {
              String key = delivery.message().key().orElseThrow();
              double dice;
              synchronized (seen) {
                overlap.compareAndSet(false, !busy.add(key));
                dice = outcomes.nextDouble();
              }
              Thread.yield();
              synchronized (seen) {
                busy.remove(key);
                if (dice < 0.1) {
                  throw new IllegalStateException("try again");
                }
                seen.computeIfAbsent(key, k -> new ArrayList<>())
                    .add(Integer.parseInt(delivery.message().id()));
              }
              all.countDown();
              return Settlement.done();
            };
        engine =
            engineBuilder(
                    config()
                        .maxInFlight(5_000)
                        .retry(
                            RetrySchedule.builder()
                                .attemptsAtOnce(50)
                                .backoff(Backoff.exponential(Duration.ZERO, Duration.ofMillis(1)))
                                .build())
                        .build(),
                    handler)
                .runtime(system)
                .build();
        for (int i = 0; i < 2_000; i++) {
          accept(Integer.toString(i), "k" + random.nextInt(20));
        }
        assertThat(all.await(20, TimeUnit.SECONDS)).as("seed %d", seed).isTrue();
        assertThat(engine.drain(Duration.ofSeconds(5))).isTrue();
        SubscriptionSnapshot snapshot = engine.snapshot();
        assertThat(snapshot.imbalance()).isZero();
        assertThat(snapshot.count(Count.DONE)).isEqualTo(2_000);
        assertThat(overlap).isFalse();
        seen.values().forEach(ids -> assertThat(ids).isSorted());
        engine.close();
      }
    }
  }

  private static void awaitIgnoringInterrupts(CountDownLatch release, CountDownLatch interrupted) {
    boolean released = false;
    while (!released) {
      try {
        released = release.await(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted.countDown();
      }
    }
  }

  private static SubscriptionConfig.Builder config() {
    return SubscriptionConfig.builder(ORDERS);
  }

  private static RetrySchedule schedule(int attempts) {
    return RetrySchedule.builder().attemptsAtOnce(attempts).withoutDelays().build();
  }

  private void start(SubscriptionConfig config, MessageHandler handler) {
    engine = engineBuilder(config, handler).runtime(time).build();
  }

  private DeliveryEngineBuilder engineBuilder(SubscriptionConfig config, MessageHandler handler) {
    return DeliveryEngine.builder(config, handler)
        .transport("test")
        .format(ENVELOPE)
        .settler(
            new Settler() {
              @Override
              public void acknowledge(RawDelivery delivery) {
                synchronized (acknowledged) {
                  acknowledged.add(delivery.positionText());
                }
              }

              @Override
              public void giveBack(RawDelivery delivery) {
                synchronized (givenBack) {
                  givenBack.add(delivery.positionText());
                }
              }
            })
        .deadLetters(
            letter -> {
              if (deadLetterTargetDown) {
                return CompletableFuture.failedFuture(new DeadLetterTargetDown());
              }
              deadLetters.add(letter);
              return CompletableFuture.completedFuture(null);
            });
  }

  private void accept(String id, String key) {
    engine.accept(new TestDelivery(id, key, wire(id, key), this));
  }

  private static ForeignRecord wire(String id, String key) {
    return ENVELOPE.write(Message.builder("t").id(id).key(key).build());
  }

  private static final class DeadLetterTargetDown extends CommsException {
    private static final long serialVersionUID = 1L;

    DeadLetterTargetDown() {
      super("COMMS-TEST-002", FailureKind.TRANSIENT, "down", null);
    }
  }

  private record TestDelivery(String id, String key, ForeignRecord wire, Object scope)
      implements RawDelivery {
    @Override
    public Optional<String> laneKey() {
      return Optional.of(key);
    }

    @Override
    public int sizeBytes() {
      return wire.sizeBytes();
    }

    @Override
    public int priorDeliveries() {
      return 0;
    }

    @Override
    public String positionText() {
      return id;
    }
  }
}
