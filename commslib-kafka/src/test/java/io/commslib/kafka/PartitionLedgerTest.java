package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class PartitionLedgerTest {

  private final PartitionLedger ledger = new PartitionLedger(new TopicPartition("t", 0));

  @Test
  void neverCommitsPastAnUnfinishedOffset() {
    ledger.accepted(5);
    ledger.accepted(6);
    ledger.accepted(9);
    ledger.finished(6);
    ledger.finished(9);
    assertThat(ledger.frontier()).isEqualTo(5);
    ledger.finished(5);
    assertThat(ledger.frontier()).isEqualTo(10);
  }

  @Test
  void hasNothingToCommitBeforeTheFirstRecord() {
    assertThat(ledger.frontier()).isEqualTo(-1);
    assertThat(ledger.isDirty()).isFalse();
  }

  @Test
  void agreesWithAModelInAnyOrderOfCompletion() {
    for (int seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      PartitionLedger tested = new PartitionLedger(new TopicPartition("t", 0));
      TreeSet<Long> unfinished = new TreeSet<>();
      List<Long> open = new ArrayList<>();
      long offset = random.nextInt(10);
      for (int step = 0; step < 200; step++) {
        if (random.nextBoolean() || open.isEmpty()) {
          // Gaps as compaction and transaction markers leave them.
          offset += 1 + random.nextInt(3);
          tested.accepted(offset);
          unfinished.add(offset);
          open.add(offset);
        } else {
          Collections.shuffle(open, random);
          long done = open.remove(open.size() - 1);
          tested.finished(done);
          unfinished.remove(done);
        }
        assertThat(tested.frontier())
            .as("seed %d", seed)
            .isEqualTo(unfinished.isEmpty() ? offset + 1 : unfinished.first());
      }
    }
  }
}
