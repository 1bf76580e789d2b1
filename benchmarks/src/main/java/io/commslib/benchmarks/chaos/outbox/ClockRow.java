package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Two relays whose machines' clocks are ten minutes wrong, one each way. */
final class ClockRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final Duration WRONG = Duration.ofMinutes(10);

  private ClockRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    try (ChaosDatabase server = scene.database()) {
      return run(server, scene.seed(), scene.choose(500, 5_000, 20_000));
    }
  }

  static WorldResult run(ChaosDatabase server, long seed, int messages) throws Exception {
    List<String> unmet = new ArrayList<>();
    try (ChaosWorld world = new ChaosWorld(server, seed)) {
      ChaosWorld.Child early = world.start(ChildSettings.relay().shift(WRONG.negated()));
      ChaosWorld.Child late = world.start(ChildSettings.relay().shift(WRONG));
      early.awaitReady();
      late.awaitReady();
      io.commslib.testkit.Await.until("both own shards", STUCK, () -> owners(world) == 2);
      try (Writers writers =
          new Writers(world, world.database(), 4, messages, ChaosWriter.Load.PLAIN)) {
        writers.join();
      }
      world.awaitQuiet(STUCK);
      long twice = world.arrivals().values().stream().filter(clients -> clients.size() > 1).count();
      if (twice > 0) {
        unmet.add("published by two: " + twice);
      }
      for (ChaosWorld.Child relay : List.of(early, late)) {
        if (world.arrivals().values().stream().noneMatch(who -> who.contains(relay.name()))) {
          unmet.add("published nothing: " + relay.name());
        }
      }
      return new WorldResult(world.judge(), Map.of("doubleClaims", twice), unmet);
    }
  }

  private static long owners(ChaosWorld world) {
    try {
      return world
          .tables()
          .number("SELECT count(DISTINCT owner) FROM " + world.database().table("outbox_shard"));
    } catch (java.sql.SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
