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
 * An application that writes, relays and replays in one process, and dies at a named point; the
 * next one goes on on the same tables.
 */
final class CrashRow {

  /** Points, and up to which time a child may come to it before it dies. */
  static final Map<String, Integer> POINTS = points();

  private static final Duration CRASH_LIMIT = Duration.ofSeconds(180);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int WORLDS = 6;
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
    points.put("ack.before", 100);
    points.put("ack.done", 100);
    points.put("retry-state.done", 10);
    points.put("retry-state.committed", 10);
    points.put("park.done", 4);
    points.put("park.before-commit", 4);
    points.put("park.committed", 4);
    points.put("replay.done", 4);
    points.put("replay.before-commit", 4);
    points.put("replay.committed", 4);
    points.put("renew.done", 2);
    points.put("renew.before", 2);
    points.put("take.done", 8);
    points.put("take.before", 8);
    return Collections.unmodifiableMap(points);
  }

  /** All points as often as the size says, in an order of the seed. */
  static WorldResult run(RowEnvironment scene) throws Exception {
    List<String> crashes = new ArrayList<>();
    for (int time = scene.choose(1, 2, 10); time > 0; time--) {
      crashes.addAll(POINTS.keySet());
    }
    Collections.shuffle(crashes, new Random(scene.seed()));
    List<String> chosen = scene.size() == Size.QUICK ? crashes.subList(0, WORLDS) : crashes;
    try (ChaosDatabase server = scene.database()) {
      return RowEnvironment.inParallel(
          WORLDS,
          WORLDS,
          world -> {
            List<String> own = new ArrayList<>();
            for (int i = world; i < chosen.size(); i += WORLDS) {
              own.add(chosen.get(i));
            }
            return run(server, scene.seed() + world, own, true);
          });
    }
  }

  /**
   * Kills children at points, one after the other.
   *
   * @param server the database
   * @param seed of this world
   * @param crashes points in this order
   * @param waitForLeases false to give the shards of the dead to the living at once
   */
  static WorldResult run(
      ChaosDatabase server, long seed, List<String> crashes, boolean waitForLeases)
      throws Exception {
    Random random = new Random(seed);
    long died = 0;
    List<String> unmet = new ArrayList<>();
    try (ChaosWorld world = new ChaosWorld(server, seed)) {
      ChildSettings settings = ChildSettings.roles("write+relay+replay", "w");
      for (String point : crashes) {
        int count = 1 + random.nextInt(POINTS.get(point));
        ChaosWorld.Child child =
            world.start(settings.fence(random.nextBoolean()).crash(point, count));
        int status = child.jvm().awaitExit(CRASH_LIMIT);
        if (status == CrashPoints.EXIT_STATUS) {
          died++;
        } else {
          unmet.add(point + "@" + count + " ended with " + status + ": " + end(child));
        }
        world.kill(child);
        if (!waitForLeases) {
          world.expireLeases();
        }
      }
      world.start(ChildSettings.roles("relay+replay", "w")).awaitReady();
      world.awaitQuiet(STUCK);
      return new WorldResult(world.judge(), Map.of("kills", died), unmet);
    }
  }

  /** The last it said: a child that lives on says much. */
  private static String end(ChaosWorld.Child child) {
    String output = child.jvm().output();
    return output.substring(Math.max(0, output.length() - OUTPUT_CHARS));
  }
}
