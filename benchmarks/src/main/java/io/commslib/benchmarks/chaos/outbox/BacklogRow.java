package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Everything is written before a relay starts, which has a heap of 256 MiB for it. The tenths of
 * the backlog must not take ever longer.
 */
final class BacklogRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int HEAP_MEGABYTES = 256;
  private static final int TENTHS = 10;
  private static final ChaosWriter.Load LOAD =
      new ChaosWriter.Load(500, 100, 0, 0, 0, Duration.ZERO);

  private BacklogRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    int messages = environment.bySize(5_000, 100_000, 1_000_000);
    List<String> unmet = new ArrayList<>();
    // The broker's consumer writes effects beside the relay: it must not be what is measured.
    OutboxTestSystem.Settings settings = new OutboxTestSystem.Settings(12, 4, true, delivery -> {});
    try (ChaosDatabase server = environment.database();
        OutboxTestSystem system = new OutboxTestSystem(server, environment.seed(), settings)) {
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 4, messages, LOAD)) {
        writers.join();
      }
      long backlog = system.unfinishedRows();
      OutboxTestSystem.Child relay = system.start(ChildSettings.relay().heap(HEAP_MEGABYTES));
      relay.awaitReady();
      List<Long> millis = new ArrayList<>();
      long before = System.nanoTime();
      for (int tenth = 1; tenth <= TENTHS; tenth++) {
        long part = backlog * tenth / TENTHS;
        Await.until("tenth " + tenth, Duration.ofMinutes(30), () -> system.receivedCount() >= part);
        long now = System.nanoTime();
        millis.add(Duration.ofNanos(now - before).toMillis());
        before = now;
      }
      system.awaitQuiet(STUCK);
      if (!relay.jvm().isAlive()) {
        unmet.add("the relay has died: " + relay.jvm().output());
      }
      // The first holds the start of the process and of its leases; the last no more than others.
      long first = millis.get(1);
      long last = millis.get(TENTHS - 1);
      if (last > 3 * Math.max(first, 50)) {
        unmet.add("the tenths of the backlog took " + millis + " ms");
      }
      return new OutboxRowResult(
          system.verdict(),
          Map.of("backlog", backlog, "secondTenthMillis", first, "lastTenthMillis", last),
          unmet);
    }
  }
}
