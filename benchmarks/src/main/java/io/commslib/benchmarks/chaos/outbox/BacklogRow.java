package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * All messages are committed before a relay with a heap of 256 MiB starts. Draining must not slow
 * down over the tenths of the backlog.
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
    // The consumer writes effects at the same time: give it enough workers, so that it is not
    // measured.
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
        unmet.add("the relay has ended: " + relay.jvm().output());
      }
      // The first tenth includes the start of the process and of its leases, so the second is the
      // base.
      long second = millis.get(1);
      long last = millis.get(TENTHS - 1);
      if (last > 3 * Math.max(second, 50)) {
        unmet.add("the tenths of the backlog took " + millis + " ms");
      }
      return new OutboxRowResult(
          system.verdict(),
          Map.of("backlog", backlog, "secondTenthMillis", second, "lastTenthMillis", last),
          unmet);
    }
  }
}
