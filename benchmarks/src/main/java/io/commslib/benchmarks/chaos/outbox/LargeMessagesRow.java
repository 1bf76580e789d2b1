package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A backlog of messages of 1 MiB, many times the heap of the relay that publishes it. */
final class LargeMessagesRow {

  private static final Duration STUCK = Duration.ofSeconds(120);
  private static final int HEAP_MEGABYTES = 96;
  private static final int BODY_BYTES = 1 << 20;
  private static final ChaosWriter.Load LOAD =
      new ChaosWriter.Load(50, 2, 0, 0, 0, Duration.ZERO, BODY_BYTES);

  private LargeMessagesRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.database()) {
      return run(server, environment.seed(), environment.bySize(200, 600, 2_000));
    }
  }

  static OutboxRowResult run(ChaosDatabase server, long seed, int messages) throws Exception {
    List<String> unmet = new ArrayList<>();
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed)) {
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 2, messages, LOAD)) {
        writers.join();
      }
      long backlog = system.unfinishedRows();
      OutboxTestSystem.Child relay = system.start(ChildSettings.relay().heap(HEAP_MEGABYTES));
      relay.awaitReady();
      system.awaitQuiet(STUCK);
      if (!relay.jvm().isAlive()) {
        unmet.add("the relay has ended: " + relay.jvm().output());
      }
      return new OutboxRowResult(system.verdict(), Map.of("backlog", backlog), unmet);
    }
  }
}
