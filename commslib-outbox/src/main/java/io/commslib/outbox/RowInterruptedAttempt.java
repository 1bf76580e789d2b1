package io.commslib.outbox;

import org.jspecify.annotations.Nullable;

/**
 * The attempt during which the JVM failed. It is counted before any other row is published, so that
 * a row can't crash one relay after the other. Confined to the relay's thread.
 */
final class RowInterruptedAttempt {

  /** Counts a failed attempt of a row. */
  interface Counting {
    void count(OutboxRow row, Throwable failure);
  }

  private final OutboxTransactions transactions;
  private final RowTables tables;
  private final Counting counting;
  private final RelayPause pause;
  private final OutageLogger outage;
  private @Nullable OutboxRow row;
  private @Nullable Throwable failure;

  RowInterruptedAttempt(
      OutboxTransactions transactions,
      RowTables tables,
      Counting counting,
      RelayPause pause,
      OutageLogger outage) {
    this.transactions = transactions;
    this.tables = tables;
    this.counting = counting;
    this.pause = pause;
    this.outage = outage;
  }

  /** Remembers an attempt that is to be counted. */
  void remember(OutboxRow interrupted, Throwable cause) {
    row = interrupted;
    failure = cause;
  }

  /** Counts the attempt if there is one. The row of a lost shard is left to its new owner. */
  void count(ShardOwnership own) {
    OutboxRow counted = row;
    Throwable cause = failure;
    if (counted == null || cause == null || !own.owns(counted.shard())) {
      return;
    }
    try {
      if (transactions.run("count failure", connection -> tables.exists(connection, counted))) {
        counting.count(counted, cause);
      }
      row = null;
      failure = null;
    } catch (Throwable e) {
      if (!pause.isOn()) {
        throw e;
      }
      // It is counted before this relay publishes again.
      outage.failed(e);
    }
  }
}
