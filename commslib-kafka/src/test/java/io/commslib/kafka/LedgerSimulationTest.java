package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.simulation.OffsetLedger;
import io.commslib.testkit.simulation.Simulation;
import io.commslib.testkit.simulation.Simulation.Model;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** The ledger and its commit metadata under the simulator's crashes and rebalances. */
class LedgerSimulationTest {

  private static final int SCHEDULES = 3_000;

  /** The real ledger behind the interface of the model. */
  private static final class RealLedger implements OffsetLedger {
    private final PartitionLedger ledger = new PartitionLedger(new TopicPartition("t", 0), 0);

    @Override
    public void restore(Commit commit) {
      ledger.restore(
          commit.offset(),
          CommitMetadata.decode(commit.offset(), commit.metadata()),
          Integer.MAX_VALUE);
    }

    @Override
    public boolean accepted(long offset) {
      if (ledger.frontier() < 0) {
        // Without a commit the model reads from the beginning.
        ledger.begin(0);
      }
      return ledger.accepted(offset);
    }

    @Override
    public void finished(long offset) {
      ledger.finished(offset);
    }

    @Override
    public Commit commit() {
      OffsetAndMetadata commit = ledger.progressCommit().offset();
      return new Commit(commit.offset(), commit.metadata());
    }
  }

  @Test
  void losesNoRecordAndRepeatsNoneThatItKnowsToBeFinished() {
    Simulation simulation = Simulation.of(Model.KAFKA).withLedgers(RealLedger::new);
    for (long seed = 0; seed < SCHEDULES; seed++) {
      assertThat(simulation.run(seed).violations()).as("seed %d", seed).isEmpty();
    }
  }
}
