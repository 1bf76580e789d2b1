package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ErrorPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Errors in code that is not the library's: the transport of two relays and the handlers throw a
 * missing class, a stack overflow, an assertion, or that memory is out. Both go on.
 */
final class ErrorsRow {

  /** Longer than a relay or a subscription pauses after a few errors of the JVM. */
  private static final Duration STUCK = Duration.ofSeconds(90);

  /** More than any message meets errors: none is parked. */
  private static final int ATTEMPTS = 100;

  private ErrorsRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    try (ChaosDatabase server = scene.database()) {
      return run(server, scene.seed(), scene.choose(1_500, 5_000, 20_000));
    }
  }

  static WorldResult run(ChaosDatabase server, long seed, int messages) throws Exception {
    ErrorPlan inHandlers = new ErrorPlan();
    ChaosWorld.Setting setting =
        new ChaosWorld.Setting(12, 4, true, delivery -> inHandlers.meet(delivery.message().id()));
    List<String> unmet = new ArrayList<>();
    try (ChaosWorld world = new ChaosWorld(server, seed, setting)) {
      ChildSettings relay = ChildSettings.relay().attempts(ATTEMPTS).withErrors();
      ChaosWorld.Child one = world.start(relay).awaitReady();
      ChaosWorld.Child two = world.start(relay).awaitReady();
      try (Writers writers =
          new Writers(world, world.database(), 4, messages, ChaosWriter.Load.PLAIN)) {
        writers.join();
        world.awaitQuiet(STUCK);
      }
      for (ChaosWorld.Child child : List.of(one, two)) {
        if (!child.jvm().isAlive()) {
          unmet.add("a relay has died: " + child.jvm().output());
        }
      }
      if (inHandlers.thrown() == 0) {
        unmet.add("no handler met an error");
      }
      if (world.consumer().deadLetters() > 0) {
        unmet.add("dead letters: " + world.consumer().deadLetters());
      }
      return new WorldResult(world.judge(), Map.of("errorsInHandlers", inHandlers.thrown()), unmet);
    }
  }
}
