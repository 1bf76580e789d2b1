package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A database with next to no connections: eight handlers and eight writers share a pool of two, the
 * relay has two of its own. All have to wait for each other, and none for ever.
 */
final class SmallPoolRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int EACH = 8;
  private static final int POOL = 2;

  private SmallPoolRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    try (ChaosDatabase server = scene.kind().start(Map.of("max_connections", "10"));
        ChaosWorld world =
            new ChaosWorld(
                server, scene.seed(), new ChaosWorld.Setting(POOL, EACH, true, delivery -> {}))) {
      world.start(ChildSettings.relay().pool(POOL)).awaitReady();
      try (Writers writers =
          new Writers(
              world,
              world.database(),
              EACH,
              scene.choose(2_000, 20_000, 100_000),
              ChaosWriter.Load.PLAIN)) {
        writers.join();
        world.awaitQuiet(STUCK);
        return new WorldResult(
            world.judge(),
            Map.of(
                "failedTransactions",
                writers.sum(ChaosWriter::failed),
                "failedHandlers",
                (long) world.consumer().failures()),
            List.of());
      }
    }
  }
}
