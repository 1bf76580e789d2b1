package io.commslib.kafka;

import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * A partition while it is assigned to this member: its ledger, and whether the consumer's position
 * follows the last offset in the ledger. Records enter the ledger only while that is certain. In
 * every other phase the consumer is repositioned first. Records that were returned and did not
 * reach the ledger are therefore read again, and are never mistaken for offsets without records.
 * Confined to the poll thread.
 */
final class OwnedPartition {

  /** The state of the consumer's position. */
  enum Phase {
    /** The start position is not known yet. */
    NEW,
    /** The consumer's next record follows the last one in the ledger. */
    OPEN,
    /** The consumer may have returned records that are not in the ledger. */
    AHEAD,
    /** It is not known which of the ledger's records are in the engine. */
    UNCERTAIN,
    /** The broker's log was truncated or recreated: its offsets now mean other records. */
    REPLACED
  }

  private final TopicPartition partition;
  private PartitionLedger ledger;
  private Phase phase = Phase.NEW;

  private @Nullable ReadingRules rules;

  /** One past the last returned record, or the offset to which the consumer was moved. */
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

  /** How records from the current position on are read; null for the rules of the topic. */
  @Nullable ReadingRules rules() {
    return rules;
  }

  void read(ReadingRules newRules) {
    rules = newRules;
  }

  long readUpTo() {
    return readUpTo;
  }

  /** The consumer was moved to an offset; every record from there on must enter the ledger. */
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

  /** Keeps a phase that is less certain. */
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

  /** All records of a poll are in the ledger and in the buffer of the intake. */
  void markOpen() {
    phase = Phase.OPEN;
  }

  /** The broker returned a lower offset than before. */
  void markReplaced(long offset) {
    readUpTo = offset;
    phase = Phase.REPLACED;
  }
}
