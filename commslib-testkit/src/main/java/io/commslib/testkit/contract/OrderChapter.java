package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.sabotage.Saboteur;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on order, parallelism and bounds. */
abstract class OrderChapter extends ContractFixture {

  @Test
  @DisplayName("Messages of one key are handled in the order of their publishes, for many keys")
  @BrokenBy(Saboteur.SWAPS_MESSAGES_OF_A_KEY)
  void oneKeyIsHandledInOrder() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue).workers(8), handled);
    Map<String, List<String>> published = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      String key = "k" + i % 20;
      published.computeIfAbsent(key, name -> new ArrayList<>()).add("m" + i);
      publish(queue, message("m" + i, key));
    }
    await("300 handled", () -> handled.count() >= 300);
    published.forEach((key, ids) -> assertThat(handled.firstOfKey(key)).isEqualTo(ids));
  }

  @Test
  @DisplayName("Messages of one key are handled one at a time")
  @BrokenBy(Saboteur.LOSES_KEYS)
  void oneKeyIsHandledOneAtATime() {
    Destination queue = queue();
    CountDownLatch second = latch(2);
    AtomicInteger running = new AtomicInteger();
    AtomicBoolean overlapped = new AtomicBoolean();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (running.incrementAndGet() > 1) {
                overlapped.set(true);
              }
              second.countDown();
              second.await(harness.quiet().toNanos(), TimeUnit.NANOSECONDS);
              running.decrementAndGet();
              return Settlement.done();
            });
    subscribe(config(queue), handled);
    publishKey(queue, "k", "m", 4);
    await("4 handled", () -> handled.count() == 4);
    assertThat(overlapped).isFalse();
  }

  @Test
  @DisplayName("Messages of different keys are handled in parallel")
  @BrokenBy(Saboteur.RUNS_HANDLERS_ONE_AT_A_TIME)
  void differentKeysAreHandledInParallel() {
    Destination queue = queue();
    AtomicBoolean met = meeting(queue);
    publish(queue, message("m1", "a"));
    publish(queue, message("m2", "b"));
    await("handlers of two keys met", met::get);
  }

  @Test
  @DisplayName("Messages without key are handled in parallel")
  @BrokenBy(Saboteur.INVENTS_KEYS)
  void messagesWithoutKeyAreHandledInParallel() {
    Destination queue = queue();
    AtomicBoolean met = meeting(queue);
    publish(queue, message("m1"));
    publish(queue, message("m2"));
    await("handlers of two messages met", met::get);
  }

  /** Becomes true once two handlers have run at the same time. */
  private AtomicBoolean meeting(Destination queue) {
    CountDownLatch both = latch(2);
    AtomicInteger running = new AtomicInteger();
    AtomicBoolean met = new AtomicBoolean();
    subscribe(
        config(queue).workers(2),
        delivery -> {
          if (running.incrementAndGet() == 2) {
            met.set(true);
          }
          both.countDown();
          reached(both);
          running.decrementAndGet();
          return Settlement.done();
        });
    return met;
  }

  @Test
  @DisplayName("A key whose message waits for a retry delays no other key")
  @BrokenBy(Saboteur.RETRIES_IN_THE_WORKER)
  void aRetryDelaysOnlyItsKey() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery ->
                delivery.message().id().equals("waits")
                    ? Settlement.retry(harness.limit().multipliedBy(2))
                    : Settlement.done());
    subscribe(config(queue).workers(1), handled);
    publish(queue, message("waits", "a"));
    await("first attempt", () -> handled.count() == 1);
    publishKey(queue, "b", "b", 3);
    await("the other key handled", () -> handled.firstOfKey("b").size() == 3);
    assertThat(handled.attempts("waits")).containsExactly(1);
  }

  @Test
  @DisplayName("Later messages of a key wait while an earlier one is retried")
  @BrokenBy(Saboteur.RETRIES_AT_THE_END)
  void laterMessagesOfTheKeyWaitForTheRetry() {
    Destination queue = queue();
    List<String> finished = new ArrayList<>();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (delivery.message().id().equals("m1") && delivery.attempt() < 3) {
                return Settlement.retry();
              }
              synchronized (finished) {
                finished.add(delivery.message().id());
              }
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue), handled);
    subscription.pause();
    publishKey(queue, "k", "m", 4);
    subscription.resume();
    await("6 attempts", () -> handled.count() >= 6);
    assertThat(handled.ids()).containsExactly("m1", "m1", "m1", "m2", "m3", "m4");
    synchronized (finished) {
      assertThat(finished).startsWith("m1", "m2", "m3");
    }
  }

  @Test
  @DisplayName("At most as many handlers run as there are workers")
  @BrokenBy(Saboteur.EXCEEDS_BOUNDS)
  void workersBoundHandlers() {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    AtomicInteger running = new AtomicInteger();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              running.incrementAndGet();
              reached(release);
              running.decrementAndGet();
              return Settlement.done();
            });
    subscribe(config(queue).workers(3), handled);
    for (int i = 0; i < 12; i++) {
      publish(queue, message("m" + i));
    }
    await("3 running", () -> running.get() >= 3);
    stays("at most 3 running", () -> running.get() <= 3);
    release.countDown();
    await("12 handled", () -> handled.count() == 12);
  }

  @Test
  @DisplayName("Unsettled messages never exceed maxInFlight")
  @BrokenBy(Saboteur.EXCEEDS_BOUNDS)
  void maxInFlightBoundsTheIntake() {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              reached(release);
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue).workers(2).maxInFlight(10), handled);
    for (int i = 0; i < 60; i++) {
      publish(queue, message("m" + i, "k" + i));
    }
    await("the bound is used", () -> taken(subscription) >= 2);
    stays("at most 10 in flight", () -> taken(subscription) <= 10);
    release.countDown();
    await("60 handled", () -> handled.count() == 60);
  }

  @Test
  @DisplayName("Unsettled bytes never exceed maxInFlightBytes plus one message")
  @BrokenBy(Saboteur.EXCEEDS_BOUNDS)
  void maxInFlightBytesBoundsTheIntake() {
    Destination queue = queue();
    CountDownLatch release = latch(1);
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              reached(release);
              return Settlement.done();
            });
    Subscription subscription =
        subscribe(config(queue).workers(2).maxInFlightBytes(100_000), handled);
    for (int i = 0; i < 40; i++) {
      publish(queue, message("m" + i, "k" + i).toBuilder().body(new byte[20_000]).build());
    }
    await("the bound is used", () -> taken(subscription) >= 2);
    stays("at most 5 of 20,000 bytes in flight", () -> taken(subscription) <= 5);
    release.countDown();
    await("40 handled", () -> handled.count() == 40);
  }

  private static long taken(Subscription subscription) {
    return subscription.snapshot().count(Count.IN_FLIGHT)
        + subscription.snapshot().count(Count.WAITING);
  }
}
