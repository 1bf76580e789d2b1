package io.commslib.benchmarks.chaos.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class OutboxFaultsIT {

  private static ChaosDatabase database;

  @BeforeAll
  static void start() throws Exception {
    database = ChaosDatabase.Kind.POSTGRESQL.start(Map.of());
  }

  @AfterAll
  static void stop() {
    database.close();
  }

  @Test
  void losesNothingWhereverTheApplicationDies() throws Exception {
    Part part =
        CrashRow.run(
            database, 1, List.of("transaction.committed", "park.done", "publish.confirmed"), false);
    assertThat(part.unmet()).isEmpty();
    assertThat(part.verdict().findings()).isEmpty();
    assertThat(part.isClean()).isTrue();
    assertThat(part.verdict().committed()).isGreaterThan(100);
  }

  @Test
  void tellsOfEachCommitThatWasCutThatItsResultIsUnknown() throws Exception {
    Part part = CommitCutRow.run(database, 3, 5);
    assertThat(part.unmet()).isEmpty();
    assertThat(part.verdict().findings()).isEmpty();
    assertThat(part.isClean()).isTrue();
    assertThat(part.figure("unknownCommits")).isGreaterThanOrEqualTo(5);
  }
}
