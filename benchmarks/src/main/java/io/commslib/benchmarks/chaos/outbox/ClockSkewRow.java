package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Two relays whose clocks are ten minutes wrong, one ahead and one behind. */
final class ClockSkewRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final Duration SKEW = Duration.ofMinutes(10);

  private ClockSkewRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.database()) {
      return run(server, environment.seed(), environment.bySize(500, 5_000, 20_000));
    }
  }

  static OutboxRowResult run(ChaosDatabase server, long seed, int messages) throws Exception {
    List<String> unmet = new ArrayList<>();
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed)) {
      OutboxTestSystem.Child early = system.start(ChildSettings.relay().clockShift(SKEW.negated()));
      OutboxTestSystem.Child late = system.start(ChildSettings.relay().clockShift(SKEW));
      early.awaitReady();
      late.awaitReady();
      io.commslib.testkit.Await.until("both own shards", STUCK, () -> owners(system) == 2);
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 4, messages, ChaosWriter.Load.PLAIN)) {
        writers.join();
      }
      system.awaitQuiet(STUCK);
      long twice =
          system.receivedFrom().values().stream().filter(clients -> clients.size() > 1).count();
      if (twice > 0) {
        unmet.add("published by both relays: " + twice);
      }
      for (OutboxTestSystem.Child relay : List.of(early, late)) {
        if (system.receivedFrom().values().stream()
            .noneMatch(clients -> clients.contains(relay.name()))) {
          unmet.add("relay without publishes: " + relay.name());
        }
      }
      return new OutboxRowResult(system.verdict(), Map.of("doubleClaims", twice), unmet);
    }
  }

  private static long owners(OutboxTestSystem system) {
    try {
      return system
          .tables()
          .queryLong(
              "SELECT count(DISTINCT owner) FROM " + system.database().table("outbox_shard"));
    } catch (java.sql.SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
