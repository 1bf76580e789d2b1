package io.commslib.kafka;

import java.util.TreeSet;
import org.apache.kafka.common.TopicPartition;

/**
 * What is unfinished of one partition during one assignment. The offset to commit is the lowest
 * unfinished one: never past a gap. A new assignment has a new ledger, so that late completions of
 * an old one change nothing. Thread-safe.
 */
final class PartitionLedger {

  private final TopicPartition partition;
  private final TreeSet<Long> unfinished = new TreeSet<>();
  private long next = -1;
  private long committed = -1;

  PartitionLedger(TopicPartition partition) {
    this.partition = partition;
  }

  TopicPartition partition() {
    return partition;
  }

  synchronized void accepted(long offset) {
    unfinished.add(offset);
    next = offset + 1;
  }

  synchronized void finished(long offset) {
    unfinished.remove(offset);
  }

  /** The offset from which a successor must read; -1 if nothing was accepted yet. */
  synchronized long frontier() {
    return unfinished.isEmpty() ? next : unfinished.first();
  }

  /** Whether the frontier has moved since the last commit. */
  synchronized boolean isDirty() {
    return frontier() > committed;
  }

  synchronized void committed(long offset) {
    committed = Math.max(committed, offset);
  }
}
