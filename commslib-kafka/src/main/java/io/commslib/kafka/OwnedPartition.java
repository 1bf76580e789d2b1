package io.commslib.kafka;

import org.apache.kafka.common.TopicPartition;

/**
 * A partition while it is assigned to this member: its ledger, and whether what the consumer
 * returns next follows what the ledger has seen. Records enter the ledger only while that is known;
 * in every other phase the consumer is sent to the right offset first. So records that were
 * returned and did not reach the ledger are read again, and are never taken for offsets without
 * records. Confined to the thread that polls.
 */
final class OwnedPartition {

  /** What is known of the consumer's position. */
  enum Phase {
    /** Where reading begins is not known yet. */
    NEW,
    /** The consumer returns next what the ledger has not seen yet. */
    OPEN,
    /** The consumer may have returned records that are not in the ledger. */
    AHEAD,
    /** It is not known which of the ledger's records the engine has. */
    UNCERTAIN,
    /** The broker's log was cut off or made again: its offsets now mean other records. */
    REPLACED
  }

  private final TopicPartition partition;
  private PartitionLedger ledger;
  private Phase phase = Phase.NEW;

  /** One past the last record returned, or where the consumer was sent to. */
  private long readUpTo;

  OwnedPartition(TopicPartition partition, long nowNanos) {
    this.partition = partition;
    this.ledger = new PartitionLedger(partition, nowNanos);
  }

  TopicPartition partition() {
    return partition;
  }

  PartitionLedger ledger() {
    return ledger;
  }

  Phase phase() {
    return phase;
  }

  boolean isOpen() {
    return phase == Phase.OPEN;
  }

  long readUpTo() {
    return readUpTo;
  }

  /** The consumer was sent to an offset from which on the ledger has to see every record. */
  void open(long offset) {
    readUpTo = offset;
    phase = Phase.OPEN;
  }

  /** As {@link #open(long)}, with another ledger. */
  void open(PartitionLedger next, long offset) {
    ledger = next;
    open(offset);
  }

  void recordRead(long offset) {
    readUpTo = offset + 1;
  }

  /** What is poorer knowledge stays. */
  void markAhead() {
    if (phase == Phase.OPEN) {
      phase = Phase.AHEAD;
    }
  }

  void markUncertain() {
    if (phase != Phase.REPLACED) {
      phase = Phase.UNCERTAIN;
    }
  }

  /** All records of a poll are in the ledger and on their way to the engine. */
  void markOpen() {
    phase = Phase.OPEN;
  }

  /** The broker returned an offset below one that it had returned before. */
  void markReplaced(long offset) {
    readUpTo = offset;
    phase = Phase.REPLACED;
  }
}
