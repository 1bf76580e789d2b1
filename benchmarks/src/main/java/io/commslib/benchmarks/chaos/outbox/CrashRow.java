package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosOptions.Size;
import io.commslib.testkit.faults.CrashPoints;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * An application that writes, relays and redrives in one process, and dies at a named point. The
 * next one continues on the same tables.
 */
final class CrashRow {

  /** The crash points, each with the maximum count at which a child dies. */
  static final Map<String, Integer> POINTS = points();

  private static final Duration CRASH_LIMIT = Duration.ofSeconds(180);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int PARALLEL_PARTS = 6;
  private static final int OUTPUT_CHARS = 2_000;

  private CrashRow() {}

  private static Map<String, Integer> points() {
    Map<String, Integer> points = new LinkedHashMap<>();
    points.put("schedule.done", 200);
    points.put("transaction.before-commit", 200);
    points.put("transaction.committed", 200);
    points.put("schedule-delayed.done", 10);
    points.put("schedule-delayed.committed", 10);
    points.put("promote.done", 5);
    points.put("promote.before-commit", 5);
    points.put("promote.committed", 5);
    points.put("read.before", 100);
    points.put("read.done", 100);
    points.put("publish.before", 300);
    points.put("publish.sent", 300);
    points.put("publish.confirmed", 300);
    points.put("delete.before", 100);
    points.put("delete.done", 100);
    points.put("retry-state.done", 10);
    points.put("retry-state.committed", 10);
    points.put("park.done", 4);
    points.put("park.before-commit", 4);
    points.put("park.committed", 4);
    points.put("redrive.done", 4);
    points.put("redrive.before-commit", 4);
    points.put("redrive.committed", 4);
    points.put("renew.done", 2);
    points.put("renew.before", 2);
    points.put("take.done", 8);
    points.put("take.before", 8);
    return Collections.unmodifiableMap(points);
  }

  /**
   * Uses every point equally often, depending on the size, in an order that depends on the seed.
   */
  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    List<String> crashes = new ArrayList<>();
    for (int time = environment.bySize(1, 2, 10); time > 0; time--) {
      crashes.addAll(POINTS.keySet());
    }
    Collections.shuffle(crashes, new Random(environment.seed()));
    List<String> chosen =
        environment.size() == Size.QUICK ? crashes.subList(0, PARALLEL_PARTS) : crashes;
    try (ChaosDatabase server = environment.database()) {
      return RowEnvironment.inParallel(
          PARALLEL_PARTS,
          PARALLEL_PARTS,
          part -> {
            List<String> own = new ArrayList<>();
            for (int i = part; i < chosen.size(); i += PARALLEL_PARTS) {
              own.add(chosen.get(i));
            }
            return run(server, environment.seed() + part, own, true);
          });
    }
  }

  /**
   * Kills children at points, one after the other.
   *
   * @param server the database
   * @param seed the seed of this system
   * @param crashes the crash points in order
   * @param waitForLeases false to end the leases of dead relays immediately
   */
  static OutboxRowResult run(
      ChaosDatabase server, long seed, List<String> crashes, boolean waitForLeases)
      throws Exception {
    Random random = new Random(seed);
    long died = 0;
    List<String> unmet = new ArrayList<>();
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed)) {
      ChildSettings settings = ChildSettings.roles("write+relay+redrive", "w");
      for (String point : crashes) {
        int count = 1 + random.nextInt(POINTS.get(point));
        OutboxTestSystem.Child child =
            system.start(settings.fence(random.nextBoolean()).crash(point, count));
        int status = child.jvm().awaitExit(CRASH_LIMIT);
        if (status == CrashPoints.EXIT_STATUS) {
          died++;
        } else {
          unmet.add(point + "@" + count + " ended with " + status + ": " + outputTail(child));
        }
        system.kill(child);
        if (!waitForLeases) {
          system.expireLeases();
        }
      }
      system.start(ChildSettings.roles("relay+redrive", "w")).awaitReady();
      system.awaitQuiet(STUCK);
      return new OutboxRowResult(system.verdict(), Map.of("kills", died), unmet);
    }
  }

  /** Returns the end of the output, which is long for a child that did not die. */
  private static String outputTail(OutboxTestSystem.Child child) {
    String output = child.jvm().output();
    return output.substring(Math.max(0, output.length() - OUTPUT_CHARS));
  }
}
