package io.commslib.testkit.simulation;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** One process of a group: the real engine with a handler that the seed controls. */
final class SimulatedConsumer {

  static final CloudEventsEnvelope ENVELOPE =
      new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);
  private static final RetrySchedule SCHEDULE =
      RetrySchedule.builder()
          .attemptsAtOnce(2)
          .backoff(Backoff.exponential(Duration.ofMillis(10), Duration.ofMillis(50)))
          .delays(Duration.ofSeconds(1))
          .build();

  private final String name;
  private final SimulatedWorld world;
  private final SimulatedClock.Process process;
  private final DeliveryEngine engine;

  SimulatedConsumer(String name, SimulatedWorld world, Settler settler) {
    this.name = name;
    this.world = world;
    this.process =
        world.clock().new Process(world.saboteur() == SimulationFault.RETRIES_EARLY ? 2 : 1);
    SubscriptionConfig config =
        SubscriptionConfig.builder(Destination.queue("simulated"))
            .workers(2)
            .maxInFlight(8)
            .retry(SCHEDULE)
            .build();
    this.engine =
        DeliveryEngine.builder(config, this::handle)
            .transport("simulated")
            .runtime(process)
            .format(ENVELOPE)
            .settler(settler)
            .deadLetters(this::deadLetter)
            .givesBackInPlace()
            .build();
  }

  String name() {
    return name;
  }

  DeliveryEngine engine() {
    return engine;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  void crash() {
    world.state().trace(name + " dies");
    process.die();
  }

  private Settlement handle(Delivery delivery) {
    diesHere();
    String id = delivery.message().id();
    SplittableRandom random = world.random();
    world.state().called(name, id, world.clock().nanoTime());
    int dice = random.nextInt(100);
    if (dice < 8) {
      throw new PlannedFailure();
    }
    if (dice < 14) {
      Duration after = Duration.ofMillis(1 + random.nextInt(3_000));
      world.state().retryDue(name, id, world.clock().nanoTime() + after.toNanos());
      return Settlement.retry(after);
    }
    if (dice < 17) {
      return Settlement.deadLetter("planned");
    }
    if (dice < 20) {
      return Settlement.giveBack();
    }
    world.state().completed(id, "is handled by " + name);
    diesHere();
    return dice < 22 ? Settlement.drop("planned") : Settlement.done();
  }

  /** A process may die between any two steps; later steps have no effect. */
  private void diesHere() {
    if (!isAlive()) {
      throw new SimulatedClock.ProcessDeath();
    }
    if (world.hasFaultsLeft() && world.random().nextInt(60) == 0) {
      world.faultHappened("crash inside a handler");
      crash();
      throw new SimulatedClock.ProcessDeath();
    }
  }

  private CompletionStage<?> deadLetter(ForeignRecord letter) {
    CompletableFuture<Void> confirmed = new CompletableFuture<>();
    String id = Optional.ofNullable(letter.texts().get("ce_id")).orElseThrow();
    if (!isAlive()) {
      return confirmed;
    }
    boolean slow = world.random().nextInt(20) == 0;
    Duration delay = Duration.ofMillis(world.random().nextInt(slow ? 60_000 : 200));
    var unused =
        process
            .scheduler()
            .schedule(delay, () -> answer(id, confirmed, world.nextDeadLetterFate()));
    return confirmed;
  }

  private void answer(String id, CompletableFuture<Void> confirmed, DeadLetterFate fate) {
    if (fate != DeadLetterFate.REFUSED) {
      world.state().deadLettered(id);
    }
    boolean reportsFailure =
        fate != DeadLetterFate.CONFIRMED && world.saboteur() != SimulationFault.DROPS_DEAD_LETTERS;
    if (reportsFailure) {
      confirmed.completeExceptionally(new PlannedFailure());
    } else {
      confirmed.complete(null);
    }
  }

  /** The outcome of publishing a dead letter. */
  enum DeadLetterFate {
    /** It is stored, and the publish is confirmed. */
    CONFIRMED,
    /** It is not stored, and the publish fails. */
    REFUSED,
    /** It is stored, but the publish fails. */
    CONFIRM_LOST
  }

  /** An exception without stack trace. */
  static final class PlannedFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    PlannedFailure() {
      super("planned", null, false, false);
    }
  }
}
