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

  private static final List<String> POINTS = List.of("publish.confirmed", "ack.before");
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final Duration LOST = Duration.ofSeconds(3);
  private static final int WORLDS = 5;

  private RelayKillRow() {}

  static WorldResult run(RowEnvironment scene) throws Exception {
    int kills = scene.choose(WORLDS, 40, 200);
    try (ChaosDatabase server = scene.database()) {
      return RowEnvironment.inParallel(
          WORLDS,
          WORLDS,
          world ->
              run(
                  server,
                  scene.seed() + world,
                  kills / WORLDS,
                  250,
                  true,
                  ChaosWorld.Setting.USUAL,
                  scene.saboteur()));
    }
  }

  /**
   * Kills relays, each while it works off messages that were just written.
   *
   * @param kills how many relays die
   * @param messages how many messages are there for each
   */
  static WorldResult run(
      ChaosDatabase server,
      long seed,
      int kills,
      int messages,
      boolean waitForLeases,
      ChaosWorld.Setting setting,
      Saboteur saboteur)
      throws Exception {
    Random random = new Random(seed);
    long sigkills = 0;
    long crashes = 0;
    List<String> unmet = new ArrayList<>();
    try (ChaosWorld world = new ChaosWorld(server, seed, setting)) {
      ChaosWriter writer = world.writer("w", world.database(), ChaosWriter.Load.PLAIN);
      for (int kill = 0; kill < kills; kill++) {
        for (long end = writer.committed() + messages; writer.committed() < end; ) {
          writer.write();
        }
        boolean fromOutside = saboteur == Saboteur.NONE && kill % 2 == 0;
        ChildSettings settings =
            ChildSettings.relay().fence(random.nextBoolean()).saboteur(saboteur);
        ChaosWorld.Child child;
        if (fromOutside) {
          child = world.start(settings);
          world
              .broker()
              .afterConfirmations(
                  child.name(), 1 + random.nextInt(messages / 2), child.jvm()::kill);
          sigkills++;
        } else {
          // The first acknowledgement may take everything at once.
          String point = point(random, server.kind());
          int most = point.startsWith("ack") ? 1 : messages / 2;
          child = world.start(settings.crash(point, 1 + random.nextInt(most)));
          crashes++;
        }
        if (child.jvm().awaitExit(LIMIT) != 137) {
          unmet.add(child.name() + " was not killed: " + child.jvm().output());
        }
        world.kill(child);
        if (!waitForLeases) {
          world.expireLeases();
        }
      }
      world.start(ChildSettings.relay()).awaitReady();
      // What a saboteur has lost never comes.
      world.awaitQuiet(saboteur == Saboteur.NONE ? STUCK : LOST);
      return new WorldResult(
          world.judge(), Map.of("sigkills", sigkills, "crashes", crashes), unmet);
    }
  }

  /** On PostgreSQL the acknowledgement is one statement, elsewhere one transaction. */
  private static String point(Random random, ChaosDatabase.Kind kind) {
    int number = random.nextInt(POINTS.size() + 1);
    return number < POINTS.size()
        ? POINTS.get(number)
        : kind == ChaosDatabase.Kind.POSTGRESQL ? "ack.done" : "ack.committed";
  }
}
