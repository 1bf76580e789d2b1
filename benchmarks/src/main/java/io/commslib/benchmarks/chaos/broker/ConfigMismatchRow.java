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
 * Processes with conflicting settings, under load. Members without inbox tables or without a
 * dead-letter destination are refused at their start, the inbox table is missing for a while, and a
 * writer sends larger bodies than the members accept. Those end in the dead letters and are
 * redriven when the members' limit is raised.
 */
final class ConfigMismatchRow {

  private static final int MEMBER_LIMIT = 64 * 1024;
  private static final int LARGE_BODY_BYTES = 100_000;
  private static final int EFFECTS_BEFORE_FAULTS = 200;
  private static final Duration REFUSED_WITHIN = Duration.ofSeconds(60);
  private static final String TOO_LARGE = "COMMS-CORE-025";
  private static final String NO_INBOX = "COMMS-JDBC-";

  private ConfigMismatchRow() {}

  static RowResult run(Broker.Kind kind, String name, ChaosOptions options) throws Exception {
    int rounds = options.bySize(1, 2, 20);
    Duration away = Duration.ofSeconds(options.bySize(3, 10, 30));
    RowSetup setup = new RowSetup(options.bySize(30, 50, 500));
    setup.membersAsProcesses = true;
    setup.memberCount = 2;
    setup.maxMessageBytes = MEMBER_LIMIT;
    RowSetup large = new RowSetup(1);
    large.producerCount = 2;
    large.keys = options.bySize(20, 50, 200);
    large.bodyBytes = LARGE_BODY_BYTES;
    try (ProcessRowEnvironment environment = new ProcessRowEnvironment(kind, setup, options)) {
      Destination lacking = Destination.topic("chaos-lacking");
      environment.transport().declare(ProcessRowEnvironment.declaration(lacking).build());
      environment.broker().removeDeadLetters(lacking);
      environment.produce();
      environment.results().awaitEffects(environment.members(), EFFECTS_BEFORE_FAULTS);
      removeInboxFor(environment, away);
      for (int round = 0; round < rounds; round++) {
        expectRefusal(environment, Map.of("schema", "chaos_without_tables"), NO_INBOX);
        expectRefusal(
            environment,
            Map.of("source", lacking.toString(), ConsumerProcess.VERIFY_ONLY, "true"),
            "COMMS-" + kind + "-002");
      }
      try (MessageTransport other = environment.broker().open(2 * LARGE_BODY_BYTES)) {
        other.declare(ProcessRowEnvironment.declaration(environment.source()).build());
        environment.produce("large", other, large).join();
        environment.awaitDeadLetters(large.messages(), TOO_LARGE);
      }
      environment
          .results()
          .awaitEffects(environment.members(), environment.confirmed() - large.messages());
      setup.maxMessageBytes = 2 * LARGE_BODY_BYTES;
      for (int member = 0; member < setup.memberCount; member++) {
        environment.members().join();
        environment.members().leave();
      }
      int status = environment.redrive(1, setup.heapMegabytes, 2_000).awaitExit(REFUSED_WITHIN);
      environment
          .results()
          .addViolation("unexpected", status == 0 ? 0 : 1, "redrive ended with " + status);
      return environment.result(
          name,
          String.format(
              "%d members refused, inbox missing for %d s, %d bodies over the members' limit",
              2 * rounds, away.toSeconds(), large.messages()));
    }
  }

  /** A process with wrong settings must end by itself and name the error. */
  private static void expectRefusal(
      ProcessRowEnvironment environment, Map<String, String> changes, String code) {
    ChildJvm misfit = environment.members().start(changes);
    int status = misfit.awaitExit(REFUSED_WITHIN);
    misfit.kill();
    String output = misfit.output();
    boolean refused =
        status > 0 && output.contains(code) && !output.contains(ConsumerProcess.READY);
    environment
        .results()
        .addViolation(
            "unexpected", refused ? 0 : 1, changes + " was not refused: " + status + output);
  }

  private static void removeInboxFor(ProcessRowEnvironment environment, Duration length)
      throws SQLException {
    boolean loaded = environment.isProducing();
    rename(environment, "inbox", "inbox_away");
    long before = environment.members().effectCount();
    LockSupport.parkNanos(length.toNanos());
    long effects = environment.members().effectCount() - before;
    rename(environment, "inbox_away", "inbox");
    environment
        .results()
        .addViolation("unexpected", effects, effects + " effects without an inbox");
    environment
        .results()
        .addViolation(
            "unexpected",
            environment.deadLetterCount(),
            environment.deadLetterCount() + " dead letters without an inbox");
    environment
        .results()
        .addViolation("unmet", loaded ? 0 : 1, "the load ended before the inbox was removed");
  }

  private static void rename(ProcessRowEnvironment environment, String from, String to)
      throws SQLException {
    JdbcDatabase database = environment.members().database();
    String target = database.dialect().isMySql() ? database.table(to) : to;
    environment
        .members()
        .tables()
        .execute("ALTER TABLE " + database.table(from) + " RENAME TO " + target);
  }
}
