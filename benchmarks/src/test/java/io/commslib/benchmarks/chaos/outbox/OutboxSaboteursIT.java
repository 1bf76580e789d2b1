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

/** The rows of {@link OutboxFaultsIT} find what they are for; it is the same on any database. */
class OutboxSaboteursIT {

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
  void detectsDuplicateEffectsWithoutAnInbox() throws Exception {
    OutboxRowResult result = OutboxDuplicatesRow.run(database, 5, 100, false);
    assertThat(result.verdict().duplicateEffects()).isPositive();
  }

  @Test
  void detectsARelayThatDecidesWithoutFence() throws Exception {
    OutboxRowResult result =
        PausedRelayRow.run(database, 6, Duration.ZERO, OutboxSaboteur.WITHOUT_FENCE);
    assertThat(result.unmetExpectations()).anyMatch(text -> text.startsWith("decided by a relay"));
  }

  @Test
  void detectsARelayThatDeletesRowsBeforeTheConfirmation() throws Exception {
    OutboxRowResult result =
        RelayKillRow.run(
            database,
            7,
            5,
            150,
            false,
            OutboxTestSystem.Settings.DEFAULTS,
            OutboxSaboteur.DELETES_BEFORE_CONFIRM);
    assertThat(result.verdict().lost()).isPositive();
  }

  @Test
  void refusesASaboteurThatTheRowWouldNotDetect() {
    ChaosOptions options =
        new ChaosOptions(7, List.of(), "", ChaosOptions.Size.QUICK, "WITHOUT_FENCE");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OutboxSuite().run("2", options))
        .withMessageStartingWith("--saboteur: WITHOUT_FENCE in row 2 (expected: ");
  }
}
