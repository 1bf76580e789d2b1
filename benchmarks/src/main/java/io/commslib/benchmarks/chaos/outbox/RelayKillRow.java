package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A relay that dies after the broker's confirmation and before the row is deleted: by SIGKILL right
 * after a confirmation was sent, or at a crash point around the deletion.
 */
final class RelayKillRow {

  private static final List<String> POINTS = List.of("publish.confirmed", "delete.before");
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final Duration STUCK_WITH_LOSSES = Duration.ofSeconds(3);
  private static final int PARALLEL_PARTS = 5;

  private RelayKillRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    int kills = environment.bySize(PARALLEL_PARTS, 40, 200);
    try (ChaosDatabase server = environment.database()) {
      return RowEnvironment.inParallel(
          PARALLEL_PARTS,
          PARALLEL_PARTS,
          part ->
              run(
                  server,
                  environment.seed() + part,
                  kills / PARALLEL_PARTS,
                  250,
                  true,
                  OutboxTestSystem.Settings.DEFAULTS,
                  environment.saboteur()));
    }
  }

  /**
   * Kills relays, each while it publishes messages that were just written.
   *
   * @param kills the number of relays that die
   * @param messages the number of messages for each relay
   */
  static OutboxRowResult run(
      ChaosDatabase server,
      long seed,
      int kills,
      int messages,
      boolean waitForLeases,
      OutboxTestSystem.Settings systemSettings,
      OutboxSaboteur saboteur)
      throws Exception {
    Random random = new Random(seed);
    long sigkills = 0;
    long crashes = 0;
    List<String> unmet = new ArrayList<>();
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed, systemSettings)) {
      ChaosWriter writer = system.writer("w", system.database(), ChaosWriter.Load.PLAIN);
      for (int kill = 0; kill < kills; kill++) {
        for (long end = writer.committed() + messages; writer.committed() < end; ) {
          writer.write();
        }
        boolean bySignal = saboteur == OutboxSaboteur.NONE && kill % 2 == 0;
        ChildSettings settings =
            ChildSettings.relay().fence(random.nextBoolean()).saboteur(saboteur);
        OutboxTestSystem.Child child;
        if (bySignal) {
          child = system.start(settings);
          system
              .broker()
              .afterConfirmations(
                  child.name(), 1 + random.nextInt(messages / 2), child.jvm()::kill);
          sigkills++;
        } else {
          // The first deletion may delete all rows.
          String point = point(random, server.kind());
          int maxCount = point.startsWith("delete") ? 1 : messages / 2;
          child = system.start(settings.crash(point, 1 + random.nextInt(maxCount)));
          crashes++;
        }
        if (child.jvm().awaitExit(LIMIT) != 137) {
          unmet.add(child.name() + " was not killed: " + child.jvm().output());
        }
        system.kill(child);
        if (!waitForLeases) {
          system.expireLeases();
        }
      }
      system.start(ChildSettings.relay()).awaitReady();
      // Messages lost by a saboteur never have an effect.
      system.awaitQuiet(saboteur == OutboxSaboteur.NONE ? STUCK : STUCK_WITH_LOSSES);
      return new OutboxRowResult(
          system.verdict(), Map.of("sigkills", sigkills, "crashes", crashes), unmet);
    }
  }

  /**
   * Chooses a crash point. On PostgreSQL the deletion is one statement, elsewhere a transaction.
   */
  private static String point(Random random, ChaosDatabase.Kind kind) {
    int number = random.nextInt(POINTS.size() + 1);
    return number < POINTS.size()
        ? POINTS.get(number)
        : kind == ChaosDatabase.Kind.POSTGRESQL ? "delete.done" : "delete.committed";
  }
}
