package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.messaging.UnsupportedCapabilityException;
import io.commslib.testkit.RecordingObserver;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on the lifecycle of subscriptions and transports. */
abstract class LifecycleChapter extends ContractFixture {

  @Test
  @DisplayName(
      "The snapshot has the ages of the oldest message in flight and of the oldest waiting one")
  @BrokenBy(Saboteur.BLANKS_SNAPSHOTS)
  void theSnapshotHasTheOldestAges() throws Exception {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    Subscription subscription =
        subscribe(
            config(queue),
            delivery -> {
              reached(release);
              return Settlement.done();
            });
    assertThat(subscription.snapshot().oldestInFlight()).isZero();
    publish(queue, message("m1", "k"));
    publish(queue, message("m2", "k"));
    await(
        "the age grows",
        () -> subscription.snapshot().oldestInFlight().compareTo(Duration.ofMillis(50)) > 0);
    assertThat(subscription.snapshot().lanes()).isEqualTo(1);
    release.countDown();
    awaitCount(subscription, Count.DONE, 2);
    await("nothing is old", () -> subscription.snapshot().oldestInFlight().isZero());
  }

  @Test
  @DisplayName("The snapshot shows that a subscription is paused")
  @BrokenBy(Saboteur.BLANKS_SNAPSHOTS)
  void theSnapshotShowsThePause() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), RecordingHandler.done());
    assertThat(subscription.snapshot().isRoutePaused()).isFalse();
    subscription.pause();
    assertThat(subscription.snapshot().isRoutePaused()).isTrue();
    subscription.resume();
    await("resumed", () -> !subscription.snapshot().isRoutePaused());
  }

  @Test
  @DisplayName("A subscription reports UP while it works and DOWN once closed")
  @BrokenBy(Saboteur.ALWAYS_HEALTHY)
  void subscriptionHealthFollowsItsState() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), RecordingHandler.done());
    assertThat(subscription.health().status()).isEqualTo(Health.Status.UP);
    subscription.close();
    assertThat(subscription.health().status()).isEqualTo(Health.Status.DOWN);
  }

  @Test
  @DisplayName("After a crash everything unsettled is redelivered in order as a further attempt")
  @BrokenBy(Saboteur.ACKNOWLEDGES_EARLY)
  void crashRedelivers() throws Exception {
    Destination queue = queue();
    CountDownLatch never = latch(1);
    CountDownLatch entered = latch(1);
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              entered.countDown();
              if (delivery.message().id().equals("m2")) {
                reached(never);
              }
              return Settlement.done();
            });
    Subscription crashes = subscribe(config(queue), handled);
    publish(queue, message("m1", "k"));
    awaitCount(crashes, Count.DONE, 1);
    publishMore(queue);
    await("m2 is being handled", () -> handled.ids().contains("m2"));
    harness.crash(crashes);
    RecordingHandler next = RecordingHandler.done();
    subscribe(config(queue), next);
    await("the rest handled", () -> next.ids().contains("m4"));
    assertThat(next.firstOfKey("k")).endsWith("m2", "m3", "m4");
    if (transport.capabilities(queue).has(Capability.REDELIVERY_COUNT)) {
      assertThat(next.attempts("m2").get(0)).isGreaterThan(1);
    }
  }

  private void publishMore(Destination queue) {
    for (String id : List.of("m2", "m3", "m4")) {
      publish(queue, message(id, "k"));
    }
  }

  @Test
  @DisplayName(
      "drain finishes running handlers and gives back the rest: nothing lost, nothing twice")
  @BrokenBy(Saboteur.LOSES_ON_DRAIN)
  void drainGivesBackTheRest() {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    RecordingHandler first =
        RecordingHandler.answering(
            delivery -> {
              reached(release);
              return Settlement.done();
            });
    Subscription drains = subscribe(config(queue).workers(2).maxInFlight(20), first);
    for (int i = 0; i < 30; i++) {
      publish(queue, message("m" + i, "k" + i % 10));
    }
    await("two are being handled", () -> first.count() == 2);
    Thread releaser = new Thread(() -> releaseOnceDraining(drains, release), "releases-handlers");
    releaser.start();
    assertThat(drains.drain(harness.limit())).isTrue();
    assertThat(drains.snapshot().count(Count.DONE)).isEqualTo(2);
    assertThat(drains.snapshot().count(Count.IN_FLIGHT)).isZero();
    drains.close();
    RecordingHandler next = RecordingHandler.done();
    subscribe(config(queue), next);
    await("the rest handled", () -> next.count() >= 28);
    stays("nothing twice", () -> next.count() == 28);
    assertThat(next.ids()).doesNotContainAnyElementsOf(first.ids()).doesNotHaveDuplicates();
    assertThat(next.seen()).allMatch(seen -> seen.attempt() == 1 || !countsGiveBacks(queue));
  }

  private boolean countsGiveBacks(Destination queue) {
    return transport.capabilities(queue).has(Capability.UNCOUNTED_GIVE_BACK);
  }

  private void releaseOnceDraining(Subscription drains, CountDownLatch release) {
    try {
      // The state alone comes too early: an engine that has not begun to drain would start more.
      await(
          "the rest given back",
          () ->
              drains.state() == LifecycleState.DRAINING
                  && drains.snapshot().count(Count.IN_FLIGHT) == 2);
    } finally {
      release.countDown();
    }
  }

  @Test
  @DisplayName("drain returns false when a handler outlasts the timeout, and can be called again")
  @BrokenBy(Saboteur.CLAIMS_DRAINED)
  void drainReportsWhetherItFinished() {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              reached(release);
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("m1"));
    await("being handled", () -> handled.count() == 1);
    assertThat(subscription.drain(Duration.ofMillis(50))).isFalse();
    release.countDown();
    assertThat(subscription.drain(harness.limit())).isTrue();
    assertThat(subscription.snapshot().count(Count.DONE)).isEqualTo(1);
  }

  @Test
  @DisplayName("pause starts no handler; resume continues")
  @BrokenBy({Saboteur.IGNORES_PAUSE, Saboteur.IGNORES_RESUME})
  void pauseStartsNoHandler() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("before"));
    await("before handled", () -> handled.count() == 1);
    subscription.pause();
    subscription.pause();
    publishKey(queue, "k", "m", 5);
    stays("no handler starts", () -> handled.count() == 1);
    assertThat(subscription.snapshot().isRoutePaused()).isTrue();
    subscription.resume();
    await("all handled", () -> handled.count() == 6);
  }

  @Test
  @DisplayName("A closed gate starts no handler and consumes no attempt")
  @BrokenBy(Saboteur.IGNORES_GATE)
  void closedGateStartsNoHandler() {
    Destination queue = queue();
    AtomicBoolean open = new AtomicBoolean();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue).retry(attempts(1)).gate(open::get), handled);
    publishKey(queue, "k", "m", 3);
    stays("no handler starts", () -> handled.count() == 0);
    open.set(true);
    await("all handled", () -> handled.count() == 3);
    assertThat(handled.seen()).allMatch(seen -> seen.attempt() == 1);
    assertThat(deadLetters(queue, "main")).isEmpty();
  }

  @Test
  @DisplayName("Closing a subscription interrupts its handlers and starts no more")
  @BrokenBy(Saboteur.IGNORES_SUBSCRIPTION_CLOSE)
  void closeInterruptsHandlers() {
    Destination queue = queue();
    CountDownLatch never = latch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              try {
                reached(never);
              } catch (InterruptedException e) {
                interrupted.set(true);
                throw e;
              }
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("m1", "k"));
    publish(queue, message("m2", "k"));
    await("being handled", () -> handled.count() == 1);
    subscription.close();
    subscription.close();
    await("interrupted", interrupted::get);
    stays("no more starts", () -> handled.count() == 1);
  }

  @Test
  @DisplayName("A subscription is running, then draining, then closed")
  @BrokenBy(Saboteur.IGNORES_SUBSCRIPTION_CLOSE)
  void statesFollowEachOther() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), RecordingHandler.done());
    assertThat(subscription.state()).isEqualTo(LifecycleState.RUNNING);
    subscription.drain(harness.limit());
    assertThat(subscription.state()).isEqualTo(LifecycleState.DRAINING);
    subscription.close();
    assertThat(subscription.state()).isEqualTo(LifecycleState.CLOSED);
  }

  @Test
  @DisplayName("A subscription that requires an undeclared capability is refused by its name")
  @BrokenBy(Saboteur.FORGETS_DEMANDS)
  void undeclaredCapabilityIsRefused() {
    Destination queue = queue();
    for (Capability capability : Capability.values()) {
      if (transport.capabilities(queue).has(capability)) {
        subscribe(config(queue).require(capability), RecordingHandler.done()).close();
      } else {
        assertThatThrownBy(
                () -> subscribe(config(queue).require(capability), RecordingHandler.done()))
            .isInstanceOf(UnsupportedCapabilityException.class)
            .hasMessageContaining(capability.name());
      }
    }
  }

  @Test
  @DisplayName("A subscription to an undeclared destination is refused")
  @BrokenBy(Saboteur.DECLARES_SILENTLY)
  void undeclaredDestinationIsRefused() {
    Destination topic = Destination.topic(freshName());
    assertThatThrownBy(() -> subscribe(config(topic, "g"), RecordingHandler.done()))
        .isInstanceOf(SubscribeException.class)
        .hasMessageContaining(topic.name());
  }

  @Test
  @DisplayName("Declaring the same destination twice has no effect")
  @BrokenBy(Saboteur.REFUSES_REDECLARATION)
  void declaringAgainHasNoEffect() {
    Destination topic = topic("g");
    publish(topic, message("m1"));
    DestinationConfig same = DestinationConfig.builder(topic).partitions(4).group("g").build();
    assertThatCode(() -> transport.declare(same)).doesNotThrowAnyException();
    assertThatCode(() -> transport.declare(same)).doesNotThrowAnyException();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(topic, "g"), handled);
    await("m1 handled", () -> handled.ids().equals(List.of("m1")));
  }

  @Test
  @DisplayName("A transport reports UP while open and DOWN once closed")
  @BrokenBy(Saboteur.ALWAYS_HEALTHY)
  void healthFollowsTheTransport() {
    await("up", () -> transport.health().status() == Health.Status.UP);
    transport.close();
    assertThat(transport.health().status()).isEqualTo(Health.Status.DOWN);
  }

  @Test
  @DisplayName("Closing the transport ends its subscriptions and leaves no thread behind")
  @BrokenBy(Saboteur.LEAKS_THREADS)
  void closeLeavesNoThread() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    Subscription subscription = subscribe(config(queue).workers(4), handled);
    publishKey(queue, "k", "m", 10);
    await("10 handled", () -> handled.count() == 10);
    transport.close();
    assertThat(subscription.state()).isEqualTo(LifecycleState.CLOSED);
    harness.close();
    await("no thread of the library is left", () -> liveThreads().isEmpty());
  }

  @Test
  @DisplayName("The ledger counts every outcome once, and balances")
  @BrokenBy(Saboteur.MISCOUNTS_LEDGER)
  void ledgerCountsEveryOutcome() {
    Destination queue = queue();
    Subscription subscription =
        subscribe(
            config(queue),
            delivery ->
                switch (delivery.message().id().charAt(0)) {
                  case 'd' -> Settlement.drop("no");
                  case 'p' -> Settlement.deadLetter("no");
                  case 'r' -> delivery.attempt() < 3 ? Settlement.retry() : Settlement.done();
                  default -> Settlement.done();
                });
    for (int i = 0; i < 10; i++) {
      publishKey(queue, "k" + i, List.of("a", "d", "p", "r").get(i % 4) + i + "-", 3);
    }
    await(
        "all settled",
        () -> {
          // One snapshot: between two a message may pass from waiting to in flight.
          SubscriptionSnapshot now = subscription.snapshot();
          return now.count(Count.RECEIVED) == 30
              && now.count(Count.IN_FLIGHT) == 0
              && now.count(Count.WAITING) == 0;
        });
    assertThat(subscription.snapshot().imbalance()).isZero();
    assertThat(subscription.snapshot().count(Count.DONE)).isEqualTo(15);
    assertThat(subscription.snapshot().count(Count.DROPPED)).isEqualTo(9);
    assertThat(subscription.snapshot().count(Count.DEAD_LETTERED)).isEqualTo(6);
  }

  @Test
  @DisplayName("The observer gets each settlement once, with its outcome and attempt")
  @BrokenBy(Saboteur.KEEPS_OBSERVER_IN_THE_DARK)
  void theObserverGetsEachSettlement() {
    Destination queue = queue();
    subscribe(
        config(queue),
        delivery ->
            delivery.message().id().equals("m2") && delivery.attempt() == 1
                ? Settlement.retry()
                : Settlement.done());
    publishKey(queue, "k", "m", 3);
    await("3 settled", () -> observer.settled().size() >= 3);
    assertThat(observer.settled())
        .containsExactly(
            new RecordingObserver.Settled("main", Count.DONE, "m1", 1),
            new RecordingObserver.Settled("main", Count.DONE, "m2", 2),
            new RecordingObserver.Settled("main", Count.DONE, "m3", 1));
    assertThat(observer.retryDelays()).hasSize(1);
  }
}
