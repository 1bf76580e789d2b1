package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows the transport has confirmed and that are still in the table. They leave by explicit id; who
 * owns what is asked with the same statement or transaction. A thread of its own deletes them, so
 * that the relay's thread reads and publishes on meanwhile; what is confirmed in between goes with
 * the next deletion. All methods but {@link #lag} are the relay's thread's.
 */
final class RowDeleter {

  private static final long HOLD_NANOS = 10_000_000;
  private static final int MANY = 250;

  /** Rows on their way out of the table. */
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
  private List<OutboxRow> rows = new ArrayList<>();
  private long oldest;
  private @Nullable Batch underWay;
  private RelayBackgroundTask.@Nullable Task<List<OutboxRow>> deletion;
  private boolean failing;

  /**
   * Creates the rows, none yet.
   *
   * @param thread deletes
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

  void add(OutboxRow row) {
    if (rows.isEmpty()) {
      oldest = time.nanoTime();
    }
    rows.add(row);
  }

  /** How long those that wait may still wait for others, so that fewer statements delete more. */
  long nanosToBegin() {
    if (underWay != null || rows.isEmpty()) {
      return Long.MAX_VALUE;
    }
    return rows.size() >= MANY ? 0 : oldest + HOLD_NANOS - time.nanoTime();
  }

  /** How many are waiting or on their way. */
  int size() {
    return rows.size() + (underWay == null ? 0 : underWay.rows.size());
  }

  /** How long what was acknowledged last had taken since it was written. */
  Duration lag() {
    return lag.last();
  }

  /**
   * Begins to delete or archive all that wait, unless others are on their way.
   *
   * @param retries whether some may have failed before
   */
  void begin(ShardOwnership own, boolean retries) {
    if (underWay != null || rows.isEmpty()) {
      return;
    }
    Batch batch = new Batch(rows, own, retries);
    underWay = batch;
    rows = new ArrayList<>();
    deletion = thread.begin("deleting confirmed rows", () -> delete(batch));
  }

  /**
   * Returns what has left the table since this was last asked.
   *
   * @throws RuntimeException if the deletion failed, or an {@link Error}; then its rows wait for
   *     the next
   */
  List<OutboxRow> ended() {
    Batch batch = underWay;
    RelayBackgroundTask.Task<List<OutboxRow>> task = deletion;
    if (batch == null || task == null || !task.hasEnded()) {
      return List.of();
    }
    deletion = null;
    underWay = null;
    failing = true;
    try {
      List<OutboxRow> gone = task.result();
      failing = false;
      return gone;
    } finally {
      if (failing) {
        batch.rows.addAll(rows);
        rows = batch.rows;
      }
    }
  }

  /** Whether the last deletion that ended has failed. */
  boolean isFailing() {
    return failing;
  }

  /**
   * Tries once more to delete all that is left, on the calling thread. What then is left is
   * published again by the next owner.
   *
   * @throws RuntimeException if that failed
   */
  void deleteTheLast(ShardOwnership own, boolean retries, long seconds)
      throws InterruptedException {
    if (deletion != null && !deletion.await(seconds)) {
      throw new IllegalStateException("a deletion takes longer than " + seconds + " s");
    }
    try {
      ended();
    } catch (Throwable again) {
      // Its rows are among those that wait now.
    }
    if (!rows.isEmpty()) {
      delete(new Batch(rows, own, retries));
      rows = new ArrayList<>();
    }
  }

  private List<OutboxRow> delete(Batch batch) {
    if (postgres == null || archives) {
      transactions.run(
          "acknowledge",
          connection -> {
            lag.sample(connection, batch.rows.get(0));
            if (archives) {
              archive.move(connection, batch.rows);
            }
            tables.acknowledge(connection, batch.rows, batch.retries);
            leases.compareEpochs(connection, batch.own);
            return null;
          });
    } else {
      Map<Integer, Long> epochs =
          transactions.single(
              "acknowledge",
              connection -> {
                lag.sample(connection, batch.rows.get(0));
                return postgres.acknowledge(connection, batch.rows, batch.retries, leases.node());
              });
      leases.compareEpochs(epochs, batch.own);
    }
    return batch.rows;
  }
}
