package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A relay that is killed when the broker has confirmed and the row is still there: by SIGKILL from
 * outside right after a confirmation was sent, or by its own hand around the acknowledgement.
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
   * Kills relays, each while it works off messages that were just written.
   *
   * @param kills how many relays die
   * @param messages how many messages are there for each
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
        boolean fromOutside = saboteur == OutboxSaboteur.NONE && kill % 2 == 0;
        ChildSettings settings =
            ChildSettings.relay().fence(random.nextBoolean()).saboteur(saboteur);
        OutboxTestSystem.Child child;
        if (fromOutside) {
          child = system.start(settings);
          system
              .broker()
              .afterConfirmations(
                  child.name(), 1 + random.nextInt(messages / 2), child.jvm()::kill);
          sigkills++;
        } else {
          // The first acknowledgement may take everything at once.
          String point = point(random, server.kind());
          int most = point.startsWith("delete") ? 1 : messages / 2;
          child = system.start(settings.crash(point, 1 + random.nextInt(most)));
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
      // What a saboteur has lost never comes.
      system.awaitQuiet(saboteur == OutboxSaboteur.NONE ? STUCK : STUCK_WITH_LOSSES);
      return new OutboxRowResult(
          system.verdict(), Map.of("sigkills", sigkills, "crashes", crashes), unmet);
    }
  }

  /** On PostgreSQL the acknowledgement is one statement, elsewhere one transaction. */
  private static String point(Random random, ChaosDatabase.Kind kind) {
    int number = random.nextInt(POINTS.size() + 1);
    return number < POINTS.size()
        ? POINTS.get(number)
        : kind == ChaosDatabase.Kind.POSTGRESQL ? "delete.done" : "delete.committed";
  }
}
