package io.commslib.kafka;

import static io.commslib.kafka.OffsetScenario.FIRST;
import static io.commslib.kafka.OffsetScenario.SECOND;
import static io.commslib.kafka.OffsetScenario.SOURCE;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class PollLoopTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final SubscriptionConfig SUBSCRIPTION =
      SubscriptionConfig.builder(SOURCE, "main").startAt(StartPosition.EARLIEST).workers(2).build();

  private static void append(OffsetScenario scenario, TopicPartition partition, long... offsets) {
    for (long offset : offsets) {
      scenario.broker.append(partition, offset, 0, null);
    }
  }

  private static OffsetScenario assigned(Faults faults, TopicPartition... partitions) {
    OffsetScenario scenario = new OffsetScenario(SUBSCRIPTION, faults);
    for (TopicPartition partition : partitions) {
      scenario.broker.partition(partition);
    }
    scenario.broker.assign(Set.of(partitions));
    scenario.pass();
    return scenario;
  }

  @Test
  void afterAFailedDispatchNothingIsReadAgainWhileAHandlerOfThePartitionRuns() {
    CountDownLatch release = new CountDownLatch(1);
    AtomicInteger starts = new AtomicInteger();
    // The failing call is the start of a worker, after the engine has accepted the records.
    Faults[] faults = new Faults[1];
    AtomicInteger workerStarts = new AtomicInteger();
    faults[0] =
        Faults.named(name -> name.equals("workers.execute") && workerStarts.incrementAndGet() == 2);
    try (SystemRuntime threads = SystemRuntime.create();
        OffsetScenario scenario =
            new OffsetScenario(
                SUBSCRIPTION,
                faults[0],
                threads,
                id -> {
                  starts.incrementAndGet();
                  awaitOrFail(release);
                })) {
      scenario.broker.partition(FIRST);
      append(scenario, FIRST, 0);
      scenario.broker.assign(Set.of(FIRST));
      scenario.pass();
      Await.until("the first is being handled", LIMIT, () -> starts.get() == 1);
      append(scenario, FIRST, 1, 2);
      for (int pass = 0; pass < 20; pass++) {
        scenario.pass();
      }
      assertThat(workerStarts).as("the start of a worker failed").hasValueGreaterThanOrEqualTo(2);
      assertThat(starts).hasValue(1);
      release.countDown();
      Await.until(
          "all handled",
          LIMIT,
          () -> {
            scenario.pass();
            return starts.get() == 3;
          });
      scenario.run();
      scenario.check(true);
    }
  }

  @Test
  void theAgeOfTheLastSuccessfulPassGrowsWhilePassesFail() {
    AtomicInteger failing = new AtomicInteger();
    Faults faults = Faults.named(name -> name.equals("before consumer.poll") && failing.get() > 0);
    try (OffsetScenario scenario = assigned(faults, FIRST)) {
      scenario.pass();
      Duration healthyAge = scenario.loop.passAge();
      failing.set(1);
      for (int pass = 0; pass < 62; pass++) {
        scenario.pass();
      }
      assertThat(healthyAge).isLessThan(Duration.ofSeconds(1));
      assertThat(scenario.loop.passAge()).isGreaterThan(PollLoop.PASS_LIMIT);
      failing.set(0);
      scenario.pass();
      assertThat(scenario.loop.passAge()).isLessThan(Duration.ofSeconds(1));
    }
  }

  @Test
  void aRecreatedLogIsReadFromItsStart() {
    try (OffsetScenario scenario = assigned(Faults.none(), FIRST)) {
      append(scenario, FIRST, 0, 1, 2, 3);
      Await.until("handled", LIMIT, () -> hasHandledAfterPass(scenario, 4));
      scenario.broker.truncate(FIRST);
      scenario.reassigned(FIRST);
      append(scenario, FIRST, 0, 1);
      for (int pass = 0; pass < 20; pass++) {
        scenario.pass();
      }
      assertThat(scenario.timesHandled(FIRST, 0)).isEqualTo(2);
      assertThat(scenario.timesHandled(FIRST, 1)).isEqualTo(2);
      assertThat(scenario.broker.committedOffset(FIRST)).isEqualTo(2);
    }
  }

  private static boolean hasHandledAfterPass(OffsetScenario scenario, int handled) {
    scenario.pass();
    return scenario.handledCount() == handled;
  }

  @Test
  void theFinalCommitWaitsForARebalanceAndCoversWhatIsStillOwned() {
    try (OffsetScenario scenario = assigned(Faults.none(), FIRST, SECOND)) {
      append(scenario, FIRST, 0, 1);
      append(scenario, SECOND, 0, 1, 2);
      scenario.broker.rebalance(Set.of(SECOND), 6);
      Await.until("handled", LIMIT, () -> hasHandledAfterPass(scenario, 5));
      assertThat(scenario.broker.committedOffset(FIRST))
          .as("commits are refused so far")
          .isEqualTo(-1);
      scenario.engine.drain(Duration.ZERO);
      scenario.loop.stop();
      scenario.loop.run();
      assertThat(scenario.broker.committedOffset(FIRST)).as("revoked").isEqualTo(2);
      assertThat(scenario.broker.committedOffset(SECOND)).as("kept").isEqualTo(3);
      assertThat(scenario.broker.isClosed()).isTrue();
      scenario.check(true);
    }
  }

  @Test
  void drainWaitsUntilTheBrokerHasConfirmedWhatIsSettled() throws Exception {
    try (OffsetScenario scenario = assigned(Faults.none(), FIRST)) {
      append(scenario, FIRST, 0, 1);
      scenario.broker.rebalance(Set.of(FIRST), 8);
      Await.until("handled", LIMIT, () -> hasHandledAfterPass(scenario, 2));
      scenario.loop.stopIntake();
      CompletableFuture<Boolean> drained = awaitCommitted(scenario);
      scenario.pass();
      assertThat(drained).as("a rebalance is in progress").isNotDone();
      assertThat(scenario.broker.committedOffset(FIRST)).isEqualTo(-1);
      Await.until(
          "committed",
          LIMIT,
          () -> {
            scenario.pass();
            return drained.isDone();
          });
      assertThat(drained.get()).isTrue();
      assertThat(scenario.broker.committedOffset(FIRST)).isEqualTo(2);
      assertThat(scenario.loop.awaitCommitted(0)).as("no time to wait").isFalse();
    }
  }

  @Test
  void callersThatWaitForACommitAreReleasedWhenTheLoopEnds() throws Exception {
    try (OffsetScenario scenario = assigned(Faults.none(), FIRST)) {
      append(scenario, FIRST, 0);
      Await.until("handled", LIMIT, () -> hasHandledAfterPass(scenario, 1));
      CompletableFuture<Boolean> drained = awaitCommitted(scenario);
      scenario.loop.stop();
      scenario.loop.run();
      assertThat(drained.get(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aFailureWithoutAUsableTextEndsOnePassAndNotTheLoop() {
    Faults faults =
        Faults.at(
            use -> use == 10,
            name ->
                new IllegalStateException() {
                  @Override
                  public String getMessage() {
                    throw new OutOfMemoryError("no text");
                  }
                });
    try (OffsetScenario scenario = assigned(faults, FIRST)) {
      append(scenario, FIRST, 0);
      scenario.run();
      scenario.check(true);
      assertThat(faults.failedAt()).isNotNull();
    }
  }

  @Test
  void aPartitionWithAnUnknownStartPositionIsNotReadAndReportsIt() {
    AtomicInteger asked = new AtomicInteger();
    Faults faults =
        Faults.named(
            name -> name.equals("before consumer.committed") && asked.incrementAndGet() <= 3);
    try (OffsetScenario scenario = new OffsetScenario(SUBSCRIPTION, faults)) {
      scenario.broker.partition(FIRST);
      append(scenario, FIRST, 0, 1);
      scenario.broker.assign(Set.of(FIRST));
      List<String> errors = new ArrayList<>();
      Await.until(
          "handled",
          LIMIT,
          () -> {
            scenario.pass();
            errors.add(scenario.loop.lastError());
            return scenario.handledCount() == 2;
          });
      assertThat(errors).anyMatch(error -> error.startsWith("start position is not known"));
      assertThat(scenario.loop.lastError()).isEmpty();
      scenario.run();
      scenario.check(true);
    }
  }

  /** Waits on another thread, and returns once that thread waits. */
  private static CompletableFuture<Boolean> awaitCommitted(OffsetScenario scenario) {
    CompletableFuture<Boolean> committed = new CompletableFuture<>();
    Thread waits =
        new Thread(
            () -> committed.complete(scenario.loop.awaitCommitted(Long.MAX_VALUE / 2)), "waits");
    waits.start();
    Await.until("waits", LIMIT, () -> waits.getState() == Thread.State.TIMED_WAITING);
    return committed;
  }

  @Test
  void aGroupThatStartsAtTheEndHasStartedOnceItsPositionIsCommitted() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    Faults faults =
        Faults.named(
            name ->
                name.matches("before consumer.commit(Async|Sync)") && asked.incrementAndGet() <= 5);
    SubscriptionConfig latest = SUBSCRIPTION.toBuilder().startAt(StartPosition.LATEST).build();
    try (OffsetScenario scenario = new OffsetScenario(latest, faults)) {
      scenario.broker.partition(FIRST);
      append(scenario, FIRST, 0, 1, 2);
      scenario.startsAt(FIRST, 3);
      scenario.broker.assign(Set.of(FIRST));
      scenario.pass();
      assertThat(scenario.loop.awaitAssigned(Duration.ZERO)).isFalse();
      // The next owner must not start after these records.
      append(scenario, FIRST, 3, 4);
      scenario.pass();
      assertThat(scenario.handledCount()).isZero();
      scenario.run();
      assertThat(scenario.loop.awaitAssigned(Duration.ZERO)).isTrue();
      assertThat(scenario.broker.firstCommit(FIRST)).isEqualTo(3);
      scenario.check(true);
    }
  }

  private static void awaitOrFail(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
