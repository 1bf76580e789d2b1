package io.commslib.kafka;

import org.apache.kafka.clients.consumer.OffsetAndMetadata;

/**
 * The commit of a ledger at one moment, sent to the broker.
 *
 * @param ledger the ledger that made it
 * @param offset the offset and metadata to commit
 * @param revision the revision of the ledger that it covers
 */
record LedgerCommit(PartitionLedger ledger, OffsetAndMetadata offset, long revision) {

  void confirmed(long nowNanos) {
    ledger.confirmed(this, nowNanos);
  }
}
