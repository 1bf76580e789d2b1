package io.commslib.outbox;

import io.commslib.core.time.TimeSource;

/**
 * Moves delayed messages that are due to the message table, once a poll interval. Only the owner of
 * shard 0 does it, so that relays do not compete. Confined to the relay's thread.
 */
final class RelayDelayedMessages {

  private final OutboxTransactions transactions;
  private final RowTables tables;
  private final ShardLeases leases;
  private final TimeSource time;
  private final RelayLoopProgress progress;
  private final long intervalNanos;
  private final int batchSize;
  private long lastCompleted;

  RelayDelayedMessages(
      OutboxTransactions transactions,
      RowTables tables,
      ShardLeases leases,
      TimeSource time,
      RelayLoopProgress progress,
      OutboxConfig config) {
    this.transactions = transactions;
    this.tables = tables;
    this.leases = leases;
    this.time = time;
    this.progress = progress;
    this.intervalNanos = config.pollInterval().toNanos();
    this.batchSize = config.batchSize();
    this.lastCompleted = time.nanoTime() - intervalNanos;
  }

  /** Moves at most one batch; returns whether it moved any. */
  boolean promoteDue(ShardOwnership ownership) {
    if (!ownership.owns(0) || time.nanoTime() - lastCompleted < intervalNanos) {
      return false;
    }
    progress.doing("moving delayed messages");
    int moved =
        transactions.run(
            "promote delayed",
            connection ->
                leases.fence(connection, ownership, 0)
                    ? tables.promoteDelayed(connection, batchSize)
                    : 0);
    if (moved < batchSize) {
      lastCompleted = time.nanoTime();
    }
    return moved > 0;
  }
}
