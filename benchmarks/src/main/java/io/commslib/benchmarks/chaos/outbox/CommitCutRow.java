package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The connection breaks during commits. The writer must get an unknown result each time, and must
 * then find the right result by the id of its row.
 */
final class CommitCutRow {

  private static final Duration STUCK = Duration.ofSeconds(60);

  private CommitCutRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.database()) {
      return run(server, environment.seed(), environment.bySize(20, 150, 500));
    }
  }

  static OutboxRowResult run(ChaosDatabase server, long seed, int cuts) throws Exception {
    List<String> unmet = new ArrayList<>();
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed);
        FaultyDatabaseLink link = new FaultyDatabaseLink(server, new Random(seed))) {
      system.start(ChildSettings.relay()).awaitReady();
      JdbcDatabase through =
          JdbcDatabase.builder(link.dataSource()).schema(system.schema()).build();
      ChaosWriter.Load load = new ChaosWriter.Load(5, 5, 0, 0, 0, Duration.ZERO);
      try (WriterThreads writers = new WriterThreads(system, through, 1, Long.MAX_VALUE, load)) {
        // Not earlier: creating an outbox commits too.
        link.startCutting();
        Await.until("commits cut", Duration.ofMinutes(30), () -> link.cuts() >= cuts);
        writers.stop();
        system.awaitQuiet(STUCK);
        long unknown = writers.sum(ChaosWriter::unknown);
        if (unknown != link.cuts()) {
          unmet.add("commits cut: " + link.cuts() + ", unknown results: " + unknown);
        }
        return new OutboxRowResult(
            system.verdict(), Map.of("commitsCut", link.cuts(), "unknownCommits", unknown), unmet);
      }
    }
  }
}
