package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** The database is killed under writers, relays and consumers, and restarted on its data. */
final class DatabaseKillRow {

  private static final Duration STUCK = Duration.ofSeconds(90);

  private DatabaseKillRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    return run(environment, environment.bySize(1, 5, 20));
  }

  static OutboxRowResult run(RowEnvironment environment, int kills) throws Exception {
    Random random = new Random(environment.seed());
    try (ChaosDatabase server = environment.database();
        OutboxTestSystem system = new OutboxTestSystem(server, environment.seed())) {
      system.start(ChildSettings.roles("relay+redrive", "none")).awaitReady();
      system.start(ChildSettings.relay()).awaitReady();
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 4, Long.MAX_VALUE, ChaosWriter.Load.MIXED)) {
        for (int kill = 0; kill < kills; kill++) {
          long target = writers.sum(ChaosWriter::committed) + 200;
          io.commslib.testkit.Await.until(
              "writers make progress", STUCK, () -> writers.sum(ChaosWriter::committed) > target);
          LockSupport.parkNanos(random.nextInt(300) * 1_000_000L);
          server.kill();
          LockSupport.parkNanos(random.nextInt(1_000) * 1_000_000L);
          server.restart();
        }
        writers.stop();
        system.awaitQuiet(STUCK);
        return new OutboxRowResult(
            system.verdict(),
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
