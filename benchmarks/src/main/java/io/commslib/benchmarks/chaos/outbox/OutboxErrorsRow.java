package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ErrorPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Errors in application code: the transports of two relays and the handlers throw missing classes,
 * stack overflows, assertion errors and out-of-memory errors. Both must continue.
 */
final class OutboxErrorsRow {

  /** Longer than the pause of a relay or a subscription after a few errors of the JVM. */
  private static final Duration STUCK = Duration.ofSeconds(90);

  /** Above the number of errors of any message, so that none is parked. */
  private static final int ATTEMPTS = 100;

  private OutboxErrorsRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.database()) {
      return run(server, environment.seed(), environment.bySize(1_500, 5_000, 20_000));
    }
  }

  static OutboxRowResult run(ChaosDatabase server, long seed, int messages) throws Exception {
    ErrorPlan inHandlers = new ErrorPlan();
    OutboxTestSystem.Settings settings =
        new OutboxTestSystem.Settings(
            12, 4, true, delivery -> inHandlers.throwPlanned(delivery.message().id()));
    List<String> unmet = new ArrayList<>();
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed, settings)) {
      ChildSettings relay = ChildSettings.relay().attempts(ATTEMPTS).withErrors();
      OutboxTestSystem.Child one = system.start(relay).awaitReady();
      OutboxTestSystem.Child two = system.start(relay).awaitReady();
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 4, messages, ChaosWriter.Load.PLAIN)) {
        writers.join();
        system.awaitQuiet(STUCK);
      }
      for (OutboxTestSystem.Child child : List.of(one, two)) {
        if (!child.jvm().isAlive()) {
          unmet.add("a relay has ended: " + child.jvm().output());
        }
      }
      if (inHandlers.thrown() == 0) {
        unmet.add("no handler threw an error");
      }
      if (system.consumer().deadLetterCount() > 0) {
        unmet.add("dead letters: " + system.consumer().deadLetterCount());
      }
      return new OutboxRowResult(
          system.verdict(), Map.of("errorsInHandlers", inHandlers.thrown()), unmet);
    }
  }
}
