package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.testkit.Await;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * The broker refuses messages for good, and the table of parked ones takes none: they must stay
 * where they are, and be tried next to never. Once it takes them they are parked, and put back.
 */
final class UnparkableRow {

  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int TRIES_A_SECOND = 2;
  private static final int MESSAGES = 40;

  private UnparkableRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    Duration closed = Duration.ofSeconds(scene.choose(5, 20, 60));
    List<String> unmet = new ArrayList<>();
    try (ChaosDatabase server = scene.database();
        ChaosWorld world = new ChaosWorld(server, scene.seed())) {
      ChaosWorld.Child relay = world.start(ChildSettings.relay().attempts(1));
      world.broker().refuse(relay.name());
      relay.awaitReady();
      refuseParked(world, true);
      ChaosWriter writer =
          world.writer(
              "w", world.database(), new ChaosWriter.Load(1_000_000, 1, 0, 0, 0, Duration.ZERO));
      while (writer.committed() < MESSAGES) {
        writer.write();
      }
      Await.until("tried", LIMIT, () -> world.broker().refusals(relay.name()) > 0);
      long before = world.broker().refusals(relay.name());
      long end = System.nanoTime() + closed.toNanos();
      while (System.nanoTime() - end < 0) {
        LockSupport.parkNanos(20_000_000);
      }
      long tries = world.broker().refusals(relay.name()) - before;
      // Each message has its first try; what counts is how often they come again.
      long allowed = MESSAGES * (1 + TRIES_A_SECOND * closed.toSeconds());
      if (tries > allowed) {
        unmet.add("tries: " + tries + " (expected: up to " + allowed + ")");
      }
      long rows = world.tables().rows("outbox_message");
      if (rows != MESSAGES) {
        unmet.add("messages left: " + rows + " (expected: " + MESSAGES + ")");
      }
      refuseParked(world, false);
      Await.until("parked", LIMIT, () -> parked(world) == MESSAGES);
      world.kill(relay);
      world.start(ChildSettings.roles("relay+replay", "none")).awaitReady();
      world.awaitQuiet(STUCK);
      return new WorldResult(
          world.judge(),
          Map.of("triesWhileClosed", tries, "secondsClosed", closed.toSeconds()),
          unmet);
    }
  }

  private static void refuseParked(ChaosWorld world, boolean refuse) throws SQLException {
    String parked = world.database().table("outbox_parked");
    String name = "commslib_chaos_closed";
    // Whatever is inserted breaks it.
    String sql =
        refuse ? " ADD CONSTRAINT " + name + " CHECK (attempts < 0)" : " DROP CONSTRAINT " + name;
    world.tables().execute("ALTER TABLE " + parked + sql);
  }

  private static long parked(ChaosWorld world) {
    try {
      return world.tables().rows("outbox_parked");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
