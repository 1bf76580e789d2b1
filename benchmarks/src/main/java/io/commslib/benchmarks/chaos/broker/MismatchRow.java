package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * Processes that do not agree, under load: members without tables of the inbox and members that
 * find no place for dead letters are refused at their start, the table of the inbox is away for a
 * while, and a writer sends larger bodies than the members take. These end in the dead letters and
 * come back when the members' limit is raised.
 */
final class MismatchRow {

  private static final int SMALL = 64 * 1024;
  private static final int LARGE = 100_000;
  private static final int WELL_UNDER_WAY = 200;
  private static final Duration REFUSED_WITHIN = Duration.ofSeconds(60);
  private static final String TOO_LARGE = "COMMS-CORE-025";
  private static final String NO_INBOX = "COMMS-JDBC-";

  private MismatchRow() {}

  static RowResult run(Broker.Kind kind, String name, ChaosOptions options) throws Exception {
    int rounds = options.choose(1, 2, 20);
    Duration away = Duration.ofSeconds(options.choose(3, 10, 30));
    RowSetup setting = new RowSetup(options.choose(30, 50, 500));
    setting.processes = true;
    setting.members = 2;
    setting.maxMessageBytes = SMALL;
    RowSetup large = new RowSetup(1);
    large.producers = 2;
    large.keys = options.choose(20, 50, 200);
    large.bodyBytes = LARGE;
    try (ProcessRowEnvironment scene = new ProcessRowEnvironment(kind, setting, options)) {
      Destination lacking = Destination.topic("chaos-lacking");
      scene.transport().declare(ProcessRowEnvironment.declaration(lacking).build());
      scene.broker().removeDeadLetters(lacking);
      scene.produce();
      scene.judge().awaitEffects(scene.members(), WELL_UNDER_WAY);
      withoutInbox(scene, away);
      for (int round = 0; round < rounds; round++) {
        refuse(scene, Map.of("schema", "chaos_without_tables"), NO_INBOX);
        refuse(
            scene,
            Map.of("source", lacking.toString(), ConsumerProcess.VERIFY_ONLY, "true"),
            "COMMS-" + kind + "-002");
      }
      try (MessageTransport other = scene.broker().open(2 * LARGE)) {
        other.declare(ProcessRowEnvironment.declaration(scene.source()).build());
        scene.produce("large", other, large).join();
        scene.awaitParked(large.messages(), TOO_LARGE);
      }
      scene.judge().awaitEffects(scene.members(), scene.confirmed() - large.messages());
      setting.maxMessageBytes = 2 * LARGE;
      for (int member = 0; member < setting.members; member++) {
        scene.members().join();
        scene.members().leave();
      }
      int status = scene.redrive(1, setting.heapMegabytes, 2_000).awaitExit(REFUSED_WITHIN);
      scene.judge().wrong("unexpected", status == 0 ? 0 : 1, "redrive ended with " + status);
      return scene.result(
          name,
          String.format(
              "%d members refused, inbox away for %d s, %d bodies over the members' limit",
              2 * rounds, away.toSeconds(), large.messages()));
    }
  }

  /** A process that does not fit ends by itself and says why. */
  private static void refuse(
      ProcessRowEnvironment scene, Map<String, String> changes, String code) {
    ChildJvm misfit = scene.members().start(changes);
    int status = misfit.awaitExit(REFUSED_WITHIN);
    misfit.kill();
    String output = misfit.output();
    boolean refused =
        status > 0 && output.contains(code) && !output.contains(ConsumerProcess.READY);
    scene
        .judge()
        .wrong("unexpected", refused ? 0 : 1, changes + " was not refused: " + status + output);
  }

  private static void withoutInbox(ProcessRowEnvironment scene, Duration length)
      throws SQLException {
    boolean loaded = scene.isProducing();
    rename(scene, "inbox", "inbox_away");
    long before = scene.members().effected();
    LockSupport.parkNanos(length.toNanos());
    long meanwhile = scene.members().effected() - before;
    rename(scene, "inbox_away", "inbox");
    scene.judge().wrong("unexpected", meanwhile, meanwhile + " effects without an inbox");
    scene
        .judge()
        .wrong("unexpected", scene.letters(), scene.letters() + " dead letters without an inbox");
    scene.judge().wrong("unmet", loaded ? 0 : 1, "the load was over");
  }

  private static void rename(ProcessRowEnvironment scene, String from, String to)
      throws SQLException {
    JdbcDatabase database = scene.members().database();
    String target = database.dialect().isMySql() ? database.table(to) : to;
    scene
        .members()
        .tables()
        .execute("ALTER TABLE " + database.table(from) + " RENAME TO " + target);
  }
}
