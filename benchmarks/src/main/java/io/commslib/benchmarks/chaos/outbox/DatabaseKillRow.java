package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** The database is killed under writers, relays and consumers, and started again on its data. */
final class DatabaseKillRow {

  private static final Duration STUCK = Duration.ofSeconds(90);

  private DatabaseKillRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    return run(scene, scene.choose(1, 5, 20));
  }

  static WorldResult run(RowEnvironment scene, int kills) throws Exception {
    Random random = new Random(scene.seed());
    try (ChaosDatabase server = scene.database();
        ChaosWorld world = new ChaosWorld(server, scene.seed())) {
      world.start(ChildSettings.roles("relay+replay", "none")).awaitReady();
      world.start(ChildSettings.relay()).awaitReady();
      try (Writers writers =
          new Writers(world, world.database(), 4, Long.MAX_VALUE, ChaosWriter.Load.MIXED)) {
        for (int kill = 0; kill < kills; kill++) {
          long some = writers.sum(ChaosWriter::committed) + 200;
          io.commslib.testkit.Await.until(
              "writers at work", STUCK, () -> writers.sum(ChaosWriter::committed) > some);
          LockSupport.parkNanos(random.nextInt(300) * 1_000_000L);
          server.kill();
          LockSupport.parkNanos(random.nextInt(1_000) * 1_000_000L);
          server.restart();
        }
        writers.stop();
        world.awaitQuiet(STUCK);
        return new WorldResult(
            world.judge(),
            Map.of(
                "databaseKills",
                (long) kills,
                "unknownCommits",
                writers.sum(ChaosWriter::unknown),
                "failedTransactions",
                writers.sum(ChaosWriter::failed)),
            List.of());
      }
    }
  }
}
