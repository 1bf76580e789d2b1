package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.core.messaging.Message;
import io.commslib.testkit.history.MessageTrace;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Every message comes ten times: first in its turn, then nine times among the next hundred, and the
 * oldest once more at the very end. The inbox lets each through once.
 */
final class DuplicatesRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int COPIES = 10;
  private static final int WINDOW = 100;
  private static final int KEYS = 200;
  private static final int LATE = 1_000;

  private DuplicatesRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    try (ChaosDatabase server = scene.database()) {
      return run(
          server,
          scene.seed(),
          scene.choose(500, 10_000, 100_000),
          scene.saboteur() != Saboteur.WITHOUT_INBOX);
    }
  }

  /**
   * Sends copies.
   *
   * @param messages how many different ones
   * @param withInbox false to see effects happen more than once
   */
  static WorldResult run(ChaosDatabase server, long seed, int messages, boolean withInbox)
      throws Exception {
    Random random = new Random(seed);
    ChaosWorld.Setting setting = new ChaosWorld.Setting(10, 8, withInbox, delivery -> {});
    try (ChaosWorld world = new ChaosWorld(server, seed, setting)) {
      List<Message> sent = new ArrayList<>();
      long[] numbers = new long[KEYS];
      long copies = 0;
      for (int i = 0; i < messages; i++) {
        int key = random.nextInt(KEYS);
        String id = "d-" + key + "-" + numbers[key];
        MessageTrace trace = new MessageTrace(id, "d", "d-k" + key, numbers[key]++);
        order(world, trace);
        sent.add(trace.stamp(Message.builder("chaos.event")).build());
        world.consumer().take(sent.get(i));
        for (int copy = 1; copy < COPIES; copy++) {
          world.consumer().take(sent.get(Math.max(0, i - random.nextInt(WINDOW))));
          copies++;
        }
        world.consumer().awaitFewerWaiting(10 * WINDOW);
      }
      for (Message oldest : sent.subList(0, Math.min(LATE, messages))) {
        world.consumer().take(oldest);
        copies++;
      }
      world.consumer().awaitFewerWaiting(1);
      world.awaitQuiet(STUCK);
      return new WorldResult(world.judge(), Map.of("copies", copies), List.of());
    }
  }

  private static void order(ChaosWorld world, MessageTrace trace) throws Exception {
    try (Connection connection = world.database().dataSource().getConnection()) {
      world.tables().insertOrders(connection, List.of(trace));
    }
  }
}
