package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.CrashPoints;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The broker refuses every message once, so all are parked. Then processes that redrive them are
 * killed halfway, one after the other.
 */
final class RedriveKillRow {

  private static final List<String> POINTS =
      List.of("redrive.done", "redrive.before-commit", "redrive.committed");
  private static final Duration LIMIT = Duration.ofMinutes(10);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int KILLS = 5;

  private RedriveKillRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    int messages = environment.bySize(500, 10_000, 10_000);
    Random random = new Random(environment.seed());
    List<String> unmet = new ArrayList<>();
    try (ChaosDatabase server = environment.database();
        OutboxTestSystem system = new OutboxTestSystem(server, environment.seed())) {
      ChildSettings settings = ChildSettings.relay().attempts(1);
      OutboxTestSystem.Child refused = system.start(settings);
      system.broker().refuseAll(refused.name());
      refused.awaitReady();
      // Nearly one key per message, since a key is blocked while one of its messages is parked.
      ChaosWriter.Load load = new ChaosWriter.Load(1_000_000, 50, 0, 0, 0, Duration.ZERO);
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 2, messages, load)) {
        writers.join();
      }
      Await.until("all parked or blocked", LIMIT, () -> unblockedMessages(system) == 0);
      system.kill(refused);
      long parked = parked(system);
      system.start(settings).awaitReady();
      for (int kill = 0; kill < KILLS; kill++) {
        String point = POINTS.get(kill % POINTS.size());
        int count = 1 + random.nextInt((int) parked / (2 * KILLS));
        OutboxTestSystem.Child child =
            system.start(ChildSettings.roles("redrive", "none").crash(point, count));
        if (child.jvm().awaitExit(LIMIT) != CrashPoints.EXIT_STATUS) {
          unmet.add(point + "@" + count + " was not reached: " + child.jvm().output());
        }
      }
      long left = parked(system);
      if (left == 0 || left == parked) {
        unmet.add("parked after the kills: " + left + " of " + parked + " (expected: some)");
      }
      system.start(ChildSettings.roles("redrive", "none")).awaitReady();
      system.awaitQuiet(STUCK);
      long decisions = system.tables().rowCount("outbox_audit");
      if (decisions != parked) {
        unmet.add("recorded decisions: " + decisions + " (expected: " + parked + ")");
      }
      return new OutboxRowResult(
          system.verdict(), Map.of("parked", parked, "leftByTheKilled", left), unmet);
    }
  }

  /** Returns the number of messages whose key is not blocked. */
  private static long unblockedMessages(OutboxTestSystem system) {
    JdbcDatabase database = system.database();
    try {
      return system
          .tables()
          .queryLong(
              "SELECT count(*) FROM "
                  + database.table("outbox_message")
                  + " m WHERE NOT EXISTS (SELECT 1 FROM "
                  + database.table("outbox_retry")
                  + " r WHERE r.shard = m.shard AND r.msg_key = m.msg_key AND r.next_at IS NULL)");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static long parked(OutboxTestSystem system) {
    try {
      return system.tables().rowCount("outbox_parked");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
