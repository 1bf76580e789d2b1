package io.commslib.benchmarks.chaos.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Shows that rows detect deliberate faults; the results of correct members are in the docs. */
class KafkaChaosIT {

  private static ChaosOptions quick(BrokerSaboteur saboteur) {
    return new ChaosOptions(3, List.of(), "", ChaosOptions.Size.QUICK, saboteur.name());
  }

  @Test
  void detectsDuplicateEffectsOfMembersWithoutInbox() throws Exception {
    RowResult result = new KafkaSuite().run("28", quick(BrokerSaboteur.WITHOUT_INBOX));

    assertThat(result.violations().get("duplicateEffects")).isGreaterThan(1_000);
    assertThat(result.violations().get("lost")).isZero();
  }

  @Test
  void detectsMessagesSettledWithoutEffect() throws Exception {
    RowResult result = new KafkaSuite().run("28", quick(BrokerSaboteur.FORGETS_EFFECTS));

    assertThat(result.violations().get("lost")).isPositive();
    assertThat(result.violations().get("duplicateEffects")).isZero();
  }

  @Test
  void refusesAnUnknownSaboteur() {
    ChaosOptions unknown = new ChaosOptions(3, List.of(), "", ChaosOptions.Size.QUICK, "SLOTH");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new KafkaSuite().run("28", unknown))
        .withMessageStartingWith("--saboteur: SLOTH (expected: [NONE, WITHOUT_INBOX,");
  }
}
