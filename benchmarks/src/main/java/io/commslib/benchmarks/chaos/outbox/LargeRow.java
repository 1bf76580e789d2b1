package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A backlog of messages of 1 MiB, many times the heap of the relay that publishes it. */
final class LargeRow {

  private static final Duration STUCK = Duration.ofSeconds(120);
  private static final int HEAP_MEGABYTES = 96;
  private static final int BODY_BYTES = 1 << 20;
  private static final ChaosWriter.Load LOAD =
      new ChaosWriter.Load(50, 2, 0, 0, 0, Duration.ZERO, BODY_BYTES);

  private LargeRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    try (ChaosDatabase server = scene.database()) {
      return run(server, scene.seed(), scene.choose(200, 600, 2_000));
    }
  }

  static WorldResult run(ChaosDatabase server, long seed, int messages) throws Exception {
    List<String> unmet = new ArrayList<>();
    try (ChaosWorld world = new ChaosWorld(server, seed)) {
      try (Writers writers = new Writers(world, world.database(), 2, messages, LOAD)) {
        writers.join();
      }
      long backlog = world.left();
      ChaosWorld.Child relay = world.start(ChildSettings.relay().heap(HEAP_MEGABYTES));
      relay.awaitReady();
      world.awaitQuiet(STUCK);
      if (!relay.jvm().isAlive()) {
        unmet.add("the relay has died: " + relay.jvm().output());
      }
      return new WorldResult(world.judge(), Map.of("backlog", backlog), unmet);
    }
  }
}
