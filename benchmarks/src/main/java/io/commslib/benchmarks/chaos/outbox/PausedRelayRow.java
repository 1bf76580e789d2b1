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
 * A relay is suspended past its lease and then gets refusals, while another relay has sent the same
 * rows to the broker. The old one must not park, count or delete anything.
 */
final class PausedRelayRow {

  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final Duration OBSERVATION = Duration.ofSeconds(2);
  private static final int KEYS = 20;

  private PausedRelayRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    Duration pause =
        environment.bySize(1, 3, 3) == 1 ? Duration.ZERO : ChildSettings.LEASE.multipliedBy(3);
    try (ChaosDatabase server = environment.database()) {
      return RowEnvironment.inParallel(
          environment.bySize(2, 10, 50),
          10,
          part -> run(server, environment.seed() + part, pause, environment.saboteur()));
    }
  }

  /**
   * Runs one pause.
   *
   * @param atLeast the minimum time for which the old relay is suspended; it lasts until its shards
   *     are taken
   * @param old the deliberate fault of the old relay
   */
  static OutboxRowResult run(ChaosDatabase server, long seed, Duration atLeast, OutboxSaboteur old)
      throws Exception {
    List<String> unmet = new ArrayList<>();
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed)) {
      ChildSettings settings = ChildSettings.relay().attempts(1);
      OutboxTestSystem.Child stopped = system.start(settings.saboteur(old));
      system.broker().withholdAnswers(stopped.name());
      stopped.awaitReady();
      ChaosWriter writer =
          system.writer(
              "w", system.database(), new ChaosWriter.Load(KEYS, 5, 0, 0, 0, Duration.ZERO));
      while (writer.committed() < 5 * KEYS) {
        writer.write();
      }
      await(
          "rows sent to the broker",
          () -> system.broker().unansweredRequests(stopped.name()) >= writer.committed());
      stopped.jvm().suspend();
      long stoppedAt = System.nanoTime();
      OutboxTestSystem.Child young = system.start(settings);
      system.broker().withholdAnswers(young.name());
      young.awaitReady();
      await(
          "shards taken over",
          () -> system.broker().unansweredRequests(young.name()) >= writer.committed());
      while (System.nanoTime() - stoppedAt < atLeast.toNanos()) {
        LockSupport.parkNanos(20_000_000);
      }
      system.broker().refuseAll(stopped.name());
      long heartbeats = liveNodes(system);
      stopped.jvm().resume();
      // Its lease thread runs again, so its relay thread does too.
      await(
          "the old relay runs again",
          () -> liveNodes(system) > heartbeats || decisions(system) > 0);
      long end = System.nanoTime() + OBSERVATION.toNanos();
      while (System.nanoTime() - end < 0 && decisions(system) == 0) {
        LockSupport.parkNanos(10_000_000);
      }
      if (decisions(system) > 0) {
        unmet.add("decided by a relay that had lost its shards: " + decisions(system));
      }
      system.kill(stopped);
      system.broker().confirmAll(young.name());
      new ParkedRowRedriver(system.database()).redriveOldest(10_000);
      system.awaitQuiet(unmet.isEmpty() ? STUCK : Duration.ofSeconds(2));
      return new OutboxRowResult(
          system.verdict(), Map.of("pauses", 1L, "zombieDecisions", (long) unmet.size()), unmet);
    }
  }

  /** Returns the number of parked rows and counted failures; only the old relay can cause any. */
  private static long decisions(OutboxTestSystem system) throws SQLException {
    return system.tables().rowCount("outbox_parked") + system.tables().rowCount("outbox_retry");
  }

  /** Returns the number of relays whose heartbeat is newer than one lease. */
  private static long liveNodes(OutboxTestSystem system) throws SQLException {
    return system
        .tables()
        .queryLong(
            "SELECT count(*) FROM "
                + system.database().table("outbox_node")
                + " WHERE heartbeat > "
                + system
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
