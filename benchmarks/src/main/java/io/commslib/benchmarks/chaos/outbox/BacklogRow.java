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

  static WorldResult run(RowEnvironment scene) throws Exception {
    int messages = scene.choose(5_000, 100_000, 1_000_000);
    List<String> unmet = new ArrayList<>();
    // The broker's consumer writes effects beside the relay: it must not be what is measured.
    ChaosWorld.Setting setting = new ChaosWorld.Setting(12, 4, true, delivery -> {});
    try (ChaosDatabase server = scene.database();
        ChaosWorld world = new ChaosWorld(server, scene.seed(), setting)) {
      try (Writers writers = new Writers(world, world.database(), 4, messages, LOAD)) {
        writers.join();
      }
      long backlog = world.left();
      ChaosWorld.Child relay = world.start(ChildSettings.relay().heap(HEAP_MEGABYTES));
      relay.awaitReady();
      List<Long> millis = new ArrayList<>();
      long before = System.nanoTime();
      for (int tenth = 1; tenth <= TENTHS; tenth++) {
        long part = backlog * tenth / TENTHS;
        Await.until("tenth " + tenth, Duration.ofMinutes(30), () -> world.arrived() >= part);
        long now = System.nanoTime();
        millis.add(Duration.ofNanos(now - before).toMillis());
        before = now;
      }
      world.awaitQuiet(STUCK);
      if (!relay.jvm().isAlive()) {
        unmet.add("the relay has died: " + relay.jvm().output());
      }
      // The first holds the start of the process and of its leases; the last no more than others.
      long first = millis.get(1);
      long last = millis.get(TENTHS - 1);
      if (last > 3 * Math.max(first, 50)) {
        unmet.add("the tenths of the backlog took " + millis + " ms");
      }
      return new WorldResult(
          world.judge(),
          Map.of("backlog", backlog, "secondTenthMillis", first, "lastTenthMillis", last),
          unmet);
    }
  }
}
