package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.testkit.Await;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/**
 * A relay that stands still past its lease and comes back with refusals in its hands, while another
 * has the same rows with the broker: the old one must not park, count, or delete anything.
 */
final class PauseRow {

  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final Duration WATCH = Duration.ofSeconds(2);
  private static final int KEYS = 20;

  private PauseRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    Duration pause =
        scene.choose(1, 3, 3) == 1 ? Duration.ZERO : ChildSettings.LEASE.multipliedBy(3);
    try (ChaosDatabase server = scene.database()) {
      return RowEnvironment.inParallel(
          scene.choose(2, 10, 50),
          10,
          world -> run(server, scene.seed() + world, pause, scene.saboteur()));
    }
  }

  /**
   * One pause.
   *
   * @param atLeast how long the old relay stands still, besides until its shards are taken
   * @param old what is wrong with the old relay
   */
  static WorldResult run(ChaosDatabase server, long seed, Duration atLeast, Saboteur old)
      throws Exception {
    List<String> unmet = new ArrayList<>();
    try (ChaosWorld world = new ChaosWorld(server, seed)) {
      ChildSettings settings = ChildSettings.relay().attempts(1);
      ChaosWorld.Child stopped = world.start(settings.saboteur(old));
      world.broker().hold(stopped.name());
      stopped.awaitReady();
      ChaosWriter writer =
          world.writer(
              "w", world.database(), new ChaosWriter.Load(KEYS, 5, 0, 0, 0, Duration.ZERO));
      while (writer.committed() < 5 * KEYS) {
        writer.write();
      }
      await(
          "rows with the broker", () -> world.broker().held(stopped.name()) >= writer.committed());
      stopped.jvm().stop();
      long stoppedAt = System.nanoTime();
      ChaosWorld.Child young = world.start(settings);
      world.broker().hold(young.name());
      young.awaitReady();
      await("taken over", () -> world.broker().held(young.name()) >= writer.committed());
      while (System.nanoTime() - stoppedAt < atLeast.toNanos()) {
        LockSupport.parkNanos(20_000_000);
      }
      world.broker().refuse(stopped.name());
      long heartbeats = nodes(world);
      stopped.jvm().resume();
      // Its lease thread is at work again, so its relay thread is too.
      await("the old relay awake", () -> nodes(world) > heartbeats || decided(world) > 0);
      long end = System.nanoTime() + WATCH.toNanos();
      while (System.nanoTime() - end < 0 && decided(world) == 0) {
        LockSupport.parkNanos(10_000_000);
      }
      if (decided(world) > 0) {
        unmet.add("decided by a relay that had lost its shards: " + decided(world));
      }
      world.kill(stopped);
      world.broker().confirm(young.name());
      new Operator(world.database()).replay(10_000);
      world.awaitQuiet(unmet.isEmpty() ? STUCK : Duration.ofSeconds(2));
      return new WorldResult(
          world.judge(), Map.of("pauses", 1L, "zombieDecisions", (long) unmet.size()), unmet);
    }
  }

  /** Parked rows and failures that were counted; nobody else makes any here. */
  private static long decided(ChaosWorld world) throws SQLException {
    return world.tables().rows("outbox_parked") + world.tables().rows("outbox_retry");
  }

  /** Relays that have shown a sign of life within a lease. */
  private static long nodes(ChaosWorld world) throws SQLException {
    return world
        .tables()
        .number(
            "SELECT count(*) FROM "
                + world.database().table("outbox_node")
                + " WHERE heartbeat > "
                + world
                    .database()
                    .dialect()
                    .nowPlusMillis()
                    .replace("?", Long.toString(-ChildSettings.LEASE.toMillis())));
  }

  private static void await(String what, Callable<Boolean> condition) {
    Await.until(
        what,
        LIMIT,
        () -> {
          try {
            return condition.call();
          } catch (Exception e) {
            throw new IllegalStateException(what, e);
          }
        });
  }
}
