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
 * The broker refuses messages permanently, and the table of parked messages refuses inserts. The
 * messages must stay in the outbox and be tried rarely. Once the table accepts them, they are
 * parked and redriven.
 */
final class UnparkableRow {

  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int TRIES_PER_SECOND = 2;
  private static final int MESSAGES = 40;

  private UnparkableRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    Duration closed = Duration.ofSeconds(environment.bySize(5, 20, 60));
    List<String> unmet = new ArrayList<>();
    try (ChaosDatabase server = environment.database();
        OutboxTestSystem system = new OutboxTestSystem(server, environment.seed())) {
      OutboxTestSystem.Child relay = system.start(ChildSettings.relay().attempts(1));
      system.broker().refuseAll(relay.name());
      relay.awaitReady();
      setParkingRefused(system, true);
      ChaosWriter writer =
          system.writer(
              "w", system.database(), new ChaosWriter.Load(1_000_000, 1, 0, 0, 0, Duration.ZERO));
      while (writer.committed() < MESSAGES) {
        writer.write();
      }
      Await.until("tried", LIMIT, () -> system.broker().refusalsByClient(relay.name()) > 0);
      long before = system.broker().refusalsByClient(relay.name());
      long end = System.nanoTime() + closed.toNanos();
      while (System.nanoTime() - end < 0) {
        LockSupport.parkNanos(20_000_000);
      }
      long tries = system.broker().refusalsByClient(relay.name()) - before;
      // The first try of each message is free; the rate of later tries is limited.
      long allowed = MESSAGES * (1 + TRIES_PER_SECOND * closed.toSeconds());
      if (tries > allowed) {
        unmet.add("tries: " + tries + " (expected: up to " + allowed + ")");
      }
      long rows = system.tables().rowCount("outbox_message");
      if (rows != MESSAGES) {
        unmet.add("messages left: " + rows + " (expected: " + MESSAGES + ")");
      }
      setParkingRefused(system, false);
      Await.until("parked", LIMIT, () -> parked(system) == MESSAGES);
      system.kill(relay);
      system.start(ChildSettings.roles("relay+redrive", "none")).awaitReady();
      system.awaitQuiet(STUCK);
      return new OutboxRowResult(
          system.verdict(),
          Map.of("triesWhileClosed", tries, "secondsClosed", closed.toSeconds()),
          unmet);
    }
  }

  private static void setParkingRefused(OutboxTestSystem system, boolean refuse)
      throws SQLException {
    String parked = system.database().table("outbox_parked");
    String name = "commslib_chaos_closed";
    // Every insert violates it.
    String sql =
        refuse ? " ADD CONSTRAINT " + name + " CHECK (attempts < 0)" : " DROP CONSTRAINT " + name;
    system.tables().execute("ALTER TABLE " + parked + sql);
  }

  private static long parked(OutboxTestSystem system) {
    try {
      return system.tables().rowCount("outbox_parked");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
