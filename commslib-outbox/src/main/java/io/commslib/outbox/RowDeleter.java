package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Deletes rows that the transport has confirmed, by explicit id. The same statement or transaction
 * checks the ownership of their shards. Deletions run on a thread of their own, so that the relay's
 * thread continues to read and publish; rows confirmed meanwhile go with the next deletion. Only
 * {@link #lag} may be called from any thread, all other methods from the relay's thread.
 */
final class RowDeleter {

  /** The longest time for which a few rows wait, so that one statement deletes more of them. */
  private static final long BATCHING_NANOS = 10_000_000;

  /** The number of rows that do not wait for more. */
  private static final int FULL_BATCH = 250;

  /** The rows of one deletion. */
  private record Batch(List<OutboxRow> rows, ShardOwnership own, boolean retries) {}

  private final boolean archives;
  private final OutboxTransactions transactions;
  private final RowTables tables;
  private final @Nullable PostgresRows postgres;
  private final ShardLeases leases;
  private final RelayBackgroundTask thread;
  private final RowArchive archive;
  private final RelayLag lag;
  private final TimeSource time;
  private List<OutboxRow> waiting = new ArrayList<>();
  private long oldestNanos;
  private @Nullable Batch inProgress;
  private RelayBackgroundTask.@Nullable Task<List<OutboxRow>> deletion;
  private boolean failing;

  /**
   * Creates a deleter without rows.
   *
   * @param thread runs the deletions
   */
  RowDeleter(
      JdbcOutbox outbox,
      OutboxTransactions transactions,
      RowTables tables,
      @Nullable PostgresRows postgres,
      ShardLeases leases,
      TimeSource time,
      RelayBackgroundTask thread) {
    this.archives = outbox.config().archive();
    this.transactions = transactions;
    this.tables = tables;
    this.postgres = postgres;
    this.leases = leases;
    this.time = time;
    this.thread = thread;
    this.archive = new RowArchive(outbox.jdbc());
    this.lag = new RelayLag(outbox.jdbc(), time);
  }

  /** Adds a confirmed row. */
  void add(OutboxRow row) {
    if (waiting.isEmpty()) {
      oldestNanos = time.nanoTime();
    }
    waiting.add(row);
  }

  /**
   * The time until the next deletion should begin. {@link Long#MAX_VALUE} if no row waits or a
   * deletion is in progress.
   */
  long nanosToBegin() {
    if (inProgress != null || waiting.isEmpty()) {
      return Long.MAX_VALUE;
    }
    return waiting.size() >= FULL_BATCH ? 0 : oldestNanos + BATCHING_NANOS - time.nanoTime();
  }

  /** The number of confirmed rows that are not known to be deleted. */
  int size() {
    return waiting.size() + (inProgress == null ? 0 : inProgress.rows.size());
  }

  /** The time from the insert of a recently deleted row to its deletion. */
  Duration lag() {
    return lag.last();
  }

  /**
   * Begins to delete or archive all waiting rows, unless a deletion is in progress.
   *
   * @param retries whether some rows may have failed before
   */
  void begin(ShardOwnership own, boolean retries) {
    if (inProgress != null || waiting.isEmpty()) {
      return;
    }
    Batch batch = new Batch(waiting, own, retries);
    inProgress = batch;
    waiting = new ArrayList<>();
    deletion = thread.begin("deleting confirmed rows", () -> delete(batch));
  }

  /**
   * Returns the rows that were deleted since the last call.
   *
   * @throws RuntimeException if the deletion failed, or an {@link Error}; its rows then wait for
   *     the next one
   */
  List<OutboxRow> ended() {
    Batch batch = inProgress;
    RelayBackgroundTask.Task<List<OutboxRow>> task = deletion;
    if (batch == null || task == null || !task.hasEnded()) {
      return List.of();
    }
    deletion = null;
    inProgress = null;
    failing = true;
    try {
      List<OutboxRow> deleted = task.result();
      failing = false;
      return deleted;
    } finally {
      if (failing) {
        batch.rows.addAll(waiting);
        waiting = batch.rows;
      }
    }
  }

  /** Whether the deletion that ended last has failed. */
  boolean isFailing() {
    return failing;
  }

  /**
   * Deletes all remaining rows on the calling thread. If that fails, the next owner publishes them
   * again.
   *
   * @param seconds the longest wait for a deletion in progress
   * @throws RuntimeException if the deletion failed
   */
  void flush(ShardOwnership own, boolean retries, long seconds) throws InterruptedException {
    if (deletion != null && !deletion.await(seconds)) {
      throw new IllegalStateException("a deletion takes longer than " + seconds + " s");
    }
    try {
      ended();
    } catch (Throwable repeated) {
      // Its rows are among the waiting ones now.
    }
    if (!waiting.isEmpty()) {
      delete(new Batch(waiting, own, retries));
      waiting = new ArrayList<>();
    }
  }

  private List<OutboxRow> delete(Batch batch) {
    if (postgres == null || archives) {
      transactions.run(
          "delete",
          connection -> {
            lag.sample(connection, batch.rows.get(0));
            if (archives) {
              archive.move(connection, batch.rows);
            }
            tables.delete(connection, batch.rows, batch.retries);
            leases.compareEpochs(connection, batch.own);
            return null;
          });
    } else {
      PostgresRows rows = postgres;
      Map<Integer, Long> epochs =
          transactions.single(
              "delete",
              connection -> {
                lag.sample(connection, batch.rows.get(0));
                return rows.deleteAndReadEpochs(
                    connection, batch.rows, batch.retries, leases.node());
              });
      leases.compareEpochs(epochs, batch.own);
    }
    return batch.rows;
  }
}
