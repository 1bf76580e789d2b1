package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One effect in twenty is refused as a deadlock or a serialization failure. The whole transaction
 * with its inbox entry must be repeated.
 */
final class ContentionRow {

  private static final Duration STUCK = Duration.ofSeconds(90);

  private ContentionRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    if (environment.kind() == ChaosDatabase.Kind.H2) {
      throw new IllegalArgumentException(
          "--database: h2 (expected: postgresql or mariadb for row 9)");
    }
    int messages = environment.bySize(2_000, 20_000, 20_000);
    List<String> unmet = new ArrayList<>();
    try (ChaosDatabase server = environment.database();
        OutboxTestSystem system = new OutboxTestSystem(server, environment.seed())) {
      refuseSome(system);
      system.start(ChildSettings.relay()).awaitReady();
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 4, messages, ChaosWriter.Load.PLAIN)) {
        writers.join();
        system.awaitQuiet(STUCK);
      }
      long refused = system.consumer().failureCount();
      if (refused < messages / 50) {
        unmet.add("effects refused: " + refused + " (expected: at least " + messages / 50 + ")");
      }
      return new OutboxRowResult(system.verdict(), Map.of("effectsRefused", refused), unmet);
    }
  }

  private static void refuseSome(OutboxTestSystem system) throws Exception {
    if (system.database().dialect().isMySql()) {
      system
          .tables()
          .execute(
              "CREATE TRIGGER "
                  + system.database().table("chaos_refuse")
                  + " BEFORE INSERT ON "
                  + system.database().table("chaos_effect")
                  + " FOR EACH ROW IF RAND() < 0.05 THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO ="
                  + " 1213, MESSAGE_TEXT = 'refused by the row'; END IF");
      return;
    }
    String function = system.database().table("chaos_refuse");
    system
        .tables()
        .execute(
            "CREATE FUNCTION "
                + function
                + "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF random() < 0.05 THEN"
                + " RAISE EXCEPTION 'refused by the row' USING ERRCODE = CASE WHEN random() < 0.5"
                + " THEN '40001' ELSE '40P01' END; END IF; RETURN NEW; END $$");
    system
        .tables()
        .execute(
            "CREATE TRIGGER chaos_refuse BEFORE INSERT ON "
                + system.database().table("chaos_effect")
                + " FOR EACH ROW EXECUTE FUNCTION "
                + function
                + "()");
  }
}
