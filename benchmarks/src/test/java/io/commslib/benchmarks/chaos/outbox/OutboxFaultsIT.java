package io.commslib.benchmarks.chaos.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(names = {"POSTGRESQL", "MARIADB"})
class OutboxFaultsIT {

  private static ChaosDatabase postgres;
  private static ChaosDatabase mariadb;

  @Parameter ChaosDatabase.Kind kind;

  @BeforeAll
  static void start() throws Exception {
    postgres = ChaosDatabase.Kind.POSTGRESQL.start(Map.of());
    mariadb = ChaosDatabase.Kind.MARIADB.start(Map.of());
  }

  @AfterAll
  static void stop() {
    postgres.close();
    mariadb.close();
  }

  private ChaosDatabase database() {
    return kind == ChaosDatabase.Kind.POSTGRESQL ? postgres : mariadb;
  }

  private static void assertPassed(OutboxRowResult result) {
    assertThat(result.unmetExpectations()).isEmpty();
    assertThat(result.verdict().findings()).isEmpty();
    assertThat(result.isClean()).isTrue();
    assertThat(result.verdict().committed()).isGreaterThan(100);
  }

  @Test
  void losesNothingWhereverTheApplicationDies() throws Exception {
    assertPassed(
        CrashRow.run(
            database(),
            1,
            List.of(
                "take.before",
                "transaction.committed",
                "renew.before",
                "park.committed",
                "publish.confirmed"),
            false));
  }

  @Test
  void reportsAnUnknownResultForEachCutCommit() throws Exception {
    OutboxRowResult result = CommitCutRow.run(database(), 3, 30);
    assertPassed(result);
    assertThat(result.figure("unknownCommits")).isGreaterThanOrEqualTo(30);
  }

  @Test
  void losesNothingWhenWritersKeepTransactionsOpenUnlikeANaiveReader() throws Exception {
    OutboxRowResult result = OpenTransactionsRow.run(database(), 4, 2_000, Duration.ofMillis(200));
    assertPassed(result);
    assertThat(result.figure("lostByNaiveReader")).isPositive();
  }

  @Test
  void hasEffectsOnceHoweverOftenMessagesAreDelivered() throws Exception {
    assertPassed(OutboxDuplicatesRow.run(database(), 5, 300, true));
  }
}
