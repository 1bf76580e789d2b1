package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A database with very few connections: eight handlers and eight writers share a pool of two, the
 * relay has another pool of two. All wait for each other, and none indefinitely.
 */
final class SmallPoolRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int THREADS = 8;
  private static final int POOL = 2;

  private SmallPoolRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.kind().start(Map.of("max_connections", "10"));
        OutboxTestSystem system =
            new OutboxTestSystem(
                server,
                environment.seed(),
                new OutboxTestSystem.Settings(POOL, THREADS, true, delivery -> {}))) {
      system.start(ChildSettings.relay().poolSize(POOL)).awaitReady();
      try (WriterThreads writers =
          new WriterThreads(
              system,
              system.database(),
              THREADS,
              environment.bySize(2_000, 20_000, 100_000),
              ChaosWriter.Load.PLAIN)) {
        writers.join();
        system.awaitQuiet(STUCK);
        return new OutboxRowResult(
            system.verdict(),
            Map.of(
                "failedTransactions",
                writers.sum(ChaosWriter::failed),
                "failedHandlers",
                (long) system.consumer().failureCount()),
            List.of());
      }
    }
  }
}
