package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class PartitionLedgerTest {

  private final PartitionLedger ledger = new PartitionLedger(new TopicPartition("t", 0), 0);

  @Test
  void neverCommitsPastAnUnfinishedOffset() {
    ledger.begin(5);
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
  void acceptsAGapOfAnySizeWhenNothingIsUnfinished() {
    ledger.begin(5);
    ledger.accepted(5);
    ledger.finished(5);
    ledger.accepted(50_000_000_000L);
    assertThat(ledger.frontier()).isEqualTo(50_000_000_000L);
    ledger.finished(50_000_000_000L);
    assertThat(ledger.progressCommit().offset().offset()).isEqualTo(50_000_000_001L);
  }

  @Test
  void allowsAMillionOffsetsBeyondAnUnfinishedOneAndNoMore() {
    ledger.begin(0);
    ledger.accepted(0);
    ledger.accepted(1_000_000 - 1);
    ledger.finished(1_000_000 - 1);
    assertThat(ledger.isMetadataNearlyFull()).isFalse();
    ledger.accepted(1_000_000);
    ledger.finished(1_000_000);
    assertThat(ledger.isMetadataNearlyFull()).isTrue();
    ledger.finished(0);
    assertThat(ledger.isMetadataNearlyFull()).isFalse();
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
      PartitionLedger tested = new PartitionLedger(new TopicPartition("t", 0), 0);
      TreeSet<Long> unfinished = new TreeSet<>();
      List<Long> open = new ArrayList<>();
      long offset = random.nextInt(10);
      tested.begin(offset + 1);
      for (int step = 0; step < 200; step++) {
        if (random.nextBoolean() || open.isEmpty()) {
          // Gaps as after compaction and transaction markers.
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

  @Test
  void theNextOwnerDoesNotRepeatOffsetsFinishedBeyondTheFrontier() {
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      PartitionLedger tested = new PartitionLedger(new TopicPartition("t", 0), 0);
      Set<Long> done = new TreeSet<>();
      List<Long> all = new ArrayList<>();
      long offset = 1_000_000L * seed;
      tested.begin(offset + 1);
      for (int i = 0; i < 300; i++) {
        offset += 1 + (random.nextInt(10) == 0 ? random.nextInt(50) : 0);
        tested.accepted(offset);
        all.add(offset);
        if (random.nextBoolean()) {
          long finished = all.get(Math.max(0, all.size() - 1 - random.nextInt(40)));
          tested.finished(finished);
          done.add(finished);
        }
      }
      OffsetAndMetadata commit = tested.progressCommit().offset();
      PartitionLedger successor = new PartitionLedger(new TopicPartition("t", 0), 0);
      successor.restore(
          commit.offset(), CommitMetadata.decode(commit.offset(), commit.metadata()), 100);
      for (long one : all) {
        if (one >= commit.offset()) {
          assertThat(successor.accepted(one))
              .as("seed %d, %d", seed, one)
              .isEqualTo(!done.contains(one));
        }
      }
      all.forEach(successor::finished);
      assertThat(successor.frontier()).as("seed %d", seed).isEqualTo(offset + 1);
      assertThat(successor.isIdle()).isTrue();
    }
  }

  @Test
  void usesLittleMemoryForManyRecords() {
    ledger.begin(0);
    for (long offset = 0; offset < 2_000_000; offset++) {
      ledger.accepted(offset);
      if (offset >= 500) {
        ledger.finished(offset - 500);
      }
    }
    assertThat(ledger.frontier()).isEqualTo(2_000_000 - 500);
  }

  @Test
  void countsOnlyFruitlessStartsAtOneOffset() {
    OffsetAndMetadata committed = new OffsetAndMetadata(7);
    for (int starts = 0; starts < 5; starts++) {
      PartitionLedger member = new PartitionLedger(new TopicPartition("t", 0), 0);
      member.restore(7, CommitMetadata.decode(7, committed.metadata()), 100);
      assertThat(member.priorStarts(7)).isEqualTo(starts);
      assertThat(member.priorStarts(8)).isZero();
      assertThat(member.isSuspect()).isEqualTo(starts >= PartitionLedger.SUSPECT_AFTER_STARTS);
      member.accepted(7);
      committed = member.startCommit().offset();
    }
    PartitionLedger regular = new PartitionLedger(new TopicPartition("t", 0), 0);
    regular.restore(7, CommitMetadata.decode(7, committed.metadata()), 100);
    regular.accepted(7);
    regular.startCommit();
    assertThat(CommitMetadata.decode(7, regular.finalCommit().offset().metadata()).starts())
        .as("a regular end does not count")
        .isEqualTo(5);
    regular.finished(7);
    assertThat(regular.progressCommit().offset().offset()).isEqualTo(8);
    assertThat(regular.progressCommit().offset().metadata()).isEmpty();
  }

  @Test
  void offsetsWithoutRecordsAreCommittedOnceNothingIsUnfinished() {
    ledger.begin(5);
    ledger.accepted(5);
    ledger.advanceTo(9);
    assertThat(ledger.frontier()).isEqualTo(5);
    ledger.finished(5);
    ledger.advanceTo(9);
    assertThat(ledger.frontier()).isEqualTo(9);
    assertThat(ledger.accepted(9)).isTrue();
  }

  @Test
  void aRecordReceivedTwiceInOneAssignmentIsHandledOnce() {
    ledger.begin(5);
    assertThat(ledger.accepted(5)).isTrue();
    assertThat(ledger.accepted(5)).isFalse();
    ledger.finished(5);
    ledger.finished(5);
    assertThat(ledger.isIdle()).isTrue();
  }

  @Test
  void metadataNearItsLimitPausesThePartitionAndOmitsTheFarthestOffsets() {
    ledger.begin(0);
    ledger.accepted(0);
    for (long offset = 1; offset < 20_000; offset++) {
      ledger.accepted(offset);
      if (offset % 2 == 0) {
        ledger.finished(offset);
      }
      if (offset == 100) {
        assertThat(ledger.isMetadataNearlyFull()).isFalse();
      }
    }
    assertThat(ledger.isMetadataNearlyFull()).isTrue();
    OffsetAndMetadata commit = ledger.progressCommit().offset();
    assertThat(commit.metadata().length()).isLessThanOrEqualTo(4_096);
    CommitMetadata metadata = CommitMetadata.decode(0, commit.metadata());
    assertThat(metadata.finished().get(2)).isTrue();
    assertThat(metadata.finished().get(3)).isFalse();
    assertThat(metadata.finished().get(19_998)).isFalse();
  }

  @Test
  void acceptsNothingBeforeTheStartPositionIsKnown() {
    assertThatIllegalStateException().isThrownBy(() -> ledger.accepted(5));
    assertThatIllegalStateException().isThrownBy(ledger::finalCommit);
    ledger.advanceTo(9);
    assertThat(ledger.frontier()).isEqualTo(-1);
  }

  @Test
  void aSuccessorInTheSameAssignmentKeepsFinishedOffsetsAndAcceptsTheRestAgain() {
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      PartitionLedger tested = new PartitionLedger(new TopicPartition("t", 0), 0);
      tested.begin(0);
      Set<Long> done = new TreeSet<>();
      List<Long> all = new ArrayList<>();
      long offset = -1;
      for (int i = 0; i < 100; i++) {
        offset += 1 + (random.nextInt(10) == 0 ? random.nextInt(50) : 0);
        tested.accepted(offset);
        all.add(offset);
        long finished = all.get(Math.max(0, all.size() - 1 - random.nextInt(40)));
        if (random.nextBoolean()) {
          tested.finished(finished);
          done.add(finished);
        }
      }
      long limit = random.nextBoolean() ? Long.MAX_VALUE : random.nextInt((int) offset + 1);
      PartitionLedger successor = tested.successor(limit, 0);
      assertThat(successor.frontier())
          .as("seed %d", seed)
          .isEqualTo(Math.min(limit, tested.frontier()));
      assertThat(successor.isIdle()).isTrue();
      assertThat(successor.isUnconfirmed()).isTrue();
      for (long one : all) {
        if (one >= successor.frontier()) {
          assertThat(successor.accepted(one))
              .as("seed %d, %d of %d", seed, one, limit)
              .isEqualTo(!done.contains(one) || one >= limit);
        }
      }
      all.forEach(successor::finished);
      assertThat(successor.frontier()).isEqualTo(offset + 1);
    }
  }

  @Test
  void aCommitCountsOnlyOnceItIsConfirmedAndIsRepeatedUntilThen() {
    ledger.begin(5);
    assertThat(ledger.hasFinalCommit()).as("nothing changed").isFalse();
    ledger.accepted(5);
    ledger.finished(5);
    LedgerCommit lost = ledger.progressCommit();
    assertThat(ledger.isDirty()).as("a commit is in flight").isFalse();
    assertThat(ledger.isUnconfirmed()).isTrue();
    ledger.notConfirmed();
    assertThat(ledger.isDirty()).isTrue();
    LedgerCommit early = ledger.progressCommit();
    ledger.accepted(6);
    ledger.finished(6);
    early.confirmed(0);
    assertThat(ledger.isUnconfirmed()).as("the commit did not cover the later record").isTrue();
    ledger.progressCommit().confirmed(0);
    lost.confirmed(0);
    assertThat(ledger.isUnconfirmed()).isFalse();
    assertThat(ledger.isDirty()).isFalse();
  }

  @Test
  void tracksAGapOnlyUpToTheMemoryLimit() {
    ledger.begin(0);
    ledger.accepted(0);
    assertThat(ledger.canTrack(10_000_000)).isTrue();
    assertThat(ledger.canTrack(5_000_000_000L)).isFalse();
    ledger.finished(0);
    assertThat(ledger.canTrack(5_000_000_000L)).isTrue();
    ledger.advanceTo(5_000_000_000L);
    assertThat(ledger.frontier()).isEqualTo(5_000_000_000L);
  }
}
