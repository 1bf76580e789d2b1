package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * The disk of the message table is full for a while. Writers get errors, their transactions leave
 * no rows, and everything continues when there is space again.
 */
final class DiskFullRow {

  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int MEGABYTES = 24;
  private static final ChaosWriter.Load LOAD = new ChaosWriter.Load(50, 20, 0, 0, 0, Duration.ZERO);

  private DiskFullRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    Duration full = Duration.ofSeconds(environment.bySize(3, 20, 20));
    List<String> unmet = new ArrayList<>();
    try (ChaosDatabase server = environment.database();
        SmallDisk disk = SmallDisk.mount(server, MEGABYTES);
        OutboxTestSystem system =
            new OutboxTestSystem(
                server, environment.seed(), OutboxTestSystem.Settings.DEFAULTS, disk)) {
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 4, Long.MAX_VALUE, LOAD)) {
        Await.until("messages committed", LIMIT, () -> writers.sum(ChaosWriter::committed) > 500);
        disk.fill();
        Await.until("writes refused", LIMIT, () -> writers.sum(ChaosWriter::failed) > 0);
        long end = System.nanoTime() + full.toNanos();
        while (System.nanoTime() - end < 0) {
          LockSupport.parkNanos(20_000_000);
        }
        long refused = writers.sum(ChaosWriter::failed);
        disk.freeSpace();
        // A server may end itself when it can't write its log.
        boolean died = !server.isRunning();
        if (died) {
          server.restart();
        }
        long before = writers.sum(ChaosWriter::committed);
        Await.until(
            "writers continue", LIMIT, () -> writers.sum(ChaosWriter::committed) > before + 500);
        writers.stop();
        system.start(ChildSettings.relay()).awaitReady();
        system.awaitQuiet(STUCK);
        long unknown = writers.sum(ChaosWriter::unknown);
        if (unknown > 0 && !died) {
          unmet.add("unknown results: " + unknown + " (expected: none)");
        }
        Map<String, Long> figures =
            Map.of("refusedWrites", refused, "databaseDied", died ? 1L : 0L);
        return new OutboxRowResult(system.verdict(), figures, unmet);
      }
    }
  }
}
