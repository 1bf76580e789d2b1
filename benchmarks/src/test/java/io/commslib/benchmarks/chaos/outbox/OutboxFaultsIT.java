package io.commslib.benchmarks.chaos.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosOptions;
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

  private static void assertKept(OutboxRowResult part) {
    assertThat(part.unmetExpectations()).isEmpty();
    assertThat(part.verdict().findings()).isEmpty();
    assertThat(part.isClean()).isTrue();
    assertThat(part.verdict().committed()).isGreaterThan(100);
  }

  @Test
  void losesNothingWhereverTheApplicationDies() throws Exception {
    assertKept(
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
  void tellsOfEachCommitThatWasCutThatItsResultIsUnknown() throws Exception {
    OutboxRowResult part = CommitCutRow.run(database(), 3, 30);
    assertKept(part);
    assertThat(part.figure("unknownCommits")).isGreaterThanOrEqualTo(30);
  }

  @Test
  void losesNothingToWritersThatHoldTheirTransactionsAsTheNaiveReaderDoes() throws Exception {
    OutboxRowResult part = OpenTransactionsRow.run(database(), 4, 2_000, Duration.ofMillis(200));
    assertKept(part);
    assertThat(part.figure("lostByNaiveReader")).isPositive();
  }

  @Test
  void hasEffectsOnceHoweverOftenMessagesCome() throws Exception {
    assertKept(OutboxDuplicatesRow.run(database(), 5, 300, true));
  }

  @Test
  void seesEffectsTwiceWithoutAnInbox() throws Exception {
    OutboxRowResult part = OutboxDuplicatesRow.run(database(), 5, 100, false);
    assertThat(part.verdict().duplicateEffects()).isPositive();
  }

  @Test
  void seesARelayThatDecidesWithoutFence() throws Exception {
    OutboxRowResult part =
        PausedRelayRow.run(database(), 6, Duration.ZERO, OutboxSaboteur.WITHOUT_FENCE);
    assertThat(part.unmetExpectations()).anyMatch(text -> text.startsWith("decided by a relay"));
  }

  @Test
  void seesARelayThatDeletesBeforeItIsConfirmed() throws Exception {
    OutboxRowResult part =
        RelayKillRow.run(
            database(),
            7,
            5,
            150,
            false,
            OutboxTestSystem.Settings.DEFAULTS,
            OutboxSaboteur.DELETES_BEFORE_CONFIRM);
    assertThat(part.verdict().lost()).isPositive();
  }

  @Test
  void refusesASaboteurThatItsRowWouldNotNotice() {
    ChaosOptions options =
        new ChaosOptions(7, List.of(), "", ChaosOptions.Size.QUICK, "WITHOUT_FENCE");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OutboxSuite().run("2", options))
        .withMessageStartingWith("--saboteur: WITHOUT_FENCE in row 2 (expected: ");
  }
}
