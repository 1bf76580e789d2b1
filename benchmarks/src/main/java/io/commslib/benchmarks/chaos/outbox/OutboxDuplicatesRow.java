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
 * Every message is delivered ten times: first in its turn, then nine times among the next hundred.
 * The oldest are delivered once more at the end. The inbox must accept each one once.
 */
final class OutboxDuplicatesRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int COPIES = 10;
  private static final int WINDOW = 100;
  private static final int KEYS = 200;
  private static final int REPEATED_AT_END = 1_000;

  private OutboxDuplicatesRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.database()) {
      return run(
          server,
          environment.seed(),
          environment.bySize(500, 10_000, 100_000),
          environment.saboteur() != OutboxSaboteur.WITHOUT_INBOX);
    }
  }

  /**
   * Sends copies.
   *
   * @param messages the number of different messages
   * @param withInbox false to show that effects then happen more than once
   */
  static OutboxRowResult run(ChaosDatabase server, long seed, int messages, boolean withInbox)
      throws Exception {
    Random random = new Random(seed);
    OutboxTestSystem.Settings settings =
        new OutboxTestSystem.Settings(10, 8, withInbox, delivery -> {});
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed, settings)) {
      List<Message> sent = new ArrayList<>();
      long[] numbers = new long[KEYS];
      long copies = 0;
      for (int i = 0; i < messages; i++) {
        int key = random.nextInt(KEYS);
        String id = "d-" + key + "-" + numbers[key];
        MessageTrace trace = new MessageTrace(id, "d", "d-k" + key, numbers[key]++);
        insertOrder(system, trace);
        sent.add(trace.stamp(Message.builder("chaos.event")).build());
        system.consumer().accept(sent.get(i));
        for (int copy = 1; copy < COPIES; copy++) {
          system.consumer().accept(sent.get(Math.max(0, i - random.nextInt(WINDOW))));
          copies++;
        }
        system.consumer().awaitFewerUnsettled(10 * WINDOW);
      }
      for (Message oldest : sent.subList(0, Math.min(REPEATED_AT_END, messages))) {
        system.consumer().accept(oldest);
        copies++;
      }
      system.consumer().awaitFewerUnsettled(1);
      system.awaitQuiet(STUCK);
      return new OutboxRowResult(system.verdict(), Map.of("copies", copies), List.of());
    }
  }

  private static void insertOrder(OutboxTestSystem system, MessageTrace trace) throws Exception {
    try (Connection connection = system.database().dataSource().getConnection()) {
      system.tables().insertOrders(connection, List.of(trace));
    }
  }
}
