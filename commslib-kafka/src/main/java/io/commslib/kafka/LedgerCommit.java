package io.commslib.kafka;

import org.apache.kafka.clients.consumer.OffsetAndMetadata;

/**
 * What a ledger had to commit at one moment, on its way to the broker.
 *
 * @param ledger whose it is
 * @param offset what the broker is told
 * @param change the last change of the ledger that it covers
 */
record LedgerCommit(PartitionLedger ledger, OffsetAndMetadata offset, long revision) {

  void confirmed(long nowNanos) {
    ledger.confirmed(this, nowNanos);
  }
}
