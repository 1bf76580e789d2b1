package io.commslib.outbox;

import io.commslib.core.Failures;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.SqlDialect;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * The relay's loop: takes results from the transport, deletes what is confirmed, reads rows,
 * publishes them, and waits for a signal. {@link RelayReader} reads, {@link RelayPublishing}
 * publishes; both run on the relay's thread. Fields belong to that thread unless they are volatile.
 *
 * <h2>Invariants</h2>
 *
 * <p>A row is deleted only after its publish was confirmed, so every message is published at least
 * once. No row is published while an earlier row of its lane (same key, same destination) is in the
 * table and neither confirmed nor, where the transport keeps order, in flight before it. Everything
 * below serves these two rules or the speed.
 *
 * <h2>Reading and cursors</h2>
 *
 * <p>Rows get ascending ids, but they become visible in the order of their commits: a row with a
 * lower id may appear after one with a higher id. Therefore a read must not simply continue after
 * the last row read. {@link RelayFetcher} reads the oldest rows of each owned shard that are not in
 * memory, with plain reads that wait for no lock.
 *
 * <p>On PostgreSQL {@link ShardCursors} keeps a cursor per shard: each row up to it that exists, or
 * can ever appear, has been read. Reads begin after the cursor, so dead rows before it cost
 * nothing. When a row that was read leaves memory unpublished, its cursor returns to the shard's
 * mark, which is below all rows in memory ({@link RelayReader#rescan}). When the owner, the server
 * or an operator may have changed more than that, the shard is read from its start.
 *
 * <p>While there is enough in memory, the next batch is read ahead, on a thread of its own. A
 * read-ahead is discarded if a rescan happened after it was planned ({@link RelayReadAhead}). While
 * messages wait for a retry, or a destination is paused, reads use the general query of {@link
 * RowReader}, which leaves them out; other databases always use it. Once a destination has its
 * share of the memory, or almost has it for half a second, the read-ahead looks past its rows for
 * those of other destinations from time to time. That takes long where its backlog is long.
 *
 * <h2>Watermark</h2>
 *
 * <p>A cursor must not pass an id whose row is not committed yet. {@link ShardWatermark} knows the
 * highest id up to which no row can appear any longer: the last id drawn at one moment, once all
 * transactions that were writing at that moment have ended. An open transaction that writes
 * messages holds the watermark back, which costs speed and never order. Databases other than
 * PostgreSQL have no watermark; they read from the start of each shard.
 *
 * <h2>Window</h2>
 *
 * <p>{@link RelayWindow} is the table of all rows in memory: waiting behind another row of their
 * lane, in flight, or confirmed and not deleted yet. {@link RelayLimits} bounds it by rows, by
 * bytes and by destination, so that a destination that hangs leaves capacity for the others. {@link
 * RelayFetchBudget} bounds what one fetch brings into memory.
 *
 * <h2>Key fence</h2>
 *
 * <p>A transport that fences keys fails the later messages of a key once an earlier one has failed,
 * so any number of a lane may be in flight; otherwise one at a time. The relay's thread learns of a
 * failure later than the transport, so {@link RelayKeyFence} keeps it from publishing rows of that
 * lane in between. A lane with a failure accepts nothing until all its rows in flight have ended;
 * then the earliest failure is decided, and the rows are read again.
 *
 * <h2>Leases and ownership</h2>
 *
 * <p>{@link ShardLeases} says which shards this relay owns, and the epoch of each. The lease thread
 * renews it; a pass adopts it at its beginning, and each publish checks it again. A relay stops
 * publishing some seconds before its lease ends, so that a long pause does not make it publish rows
 * of the next owner. Decisions about rows (failed attempts, parking) lock the shard's row and
 * compare the epoch in the same transaction. A deletion needs no lock, since deleting a confirmed
 * row is right for any relay. It also reads the epochs, so that a loss is noticed soon. A shard
 * that another relay should get is no longer read, and is released once none of its rows is in
 * memory.
 *
 * <h2>Deletion</h2>
 *
 * <p>{@link RowDeleter} deletes confirmed rows on a thread of its own, by explicit id, one batch at
 * a time. Rows stay in the window until their deletion has committed: otherwise a read would find
 * them again. A deletion whose result is unknown is repeated, which is harmless.
 *
 * <h2>Failures</h2>
 *
 * <p>A pass that fails for any reason is repeated after a pause, with a smaller fetch and without
 * what was learned of the database, which may be another server by then. After an error of the JVM
 * the relay pauses, gives its shards back and forgets what it had in memory ({@link RelayPause}).
 * The row that was being published then is charged one failed attempt, so that one message can't
 * stop every relay in turn.
 */
final class RelayLoop {

  private static final Duration FAILURE_BACKOFF = Duration.ofMillis(300);

  /** How long closing waits for a deletion in progress. */
  private static final long FLUSH_SECONDS = 3;

  private final TimeSource time;
  private final long pollNanos;
  private final WakeSignal signal;
  private final boolean fencesKeys;
  private final RelayReader reader;
  private final RelayPublishing publishing;
  private final RelayWindow window;
  private final RowDeleter deleter;
  private final RelayDelayedMessages delayed;
  private final RelayDrainRequests drains;
  private final RelayPause pause;
  private final RowInterruptedAttempt interrupted;
  private final OutboxEvents events;
  private final OutageLogger outage;
  private final RelayLoopProgress progress;
  private final Map<String, RelayBackgroundTask> backgroundTasks;

  private volatile boolean draining;
  private volatile boolean closed;

  RelayLoop(
      JdbcOutbox outbox,
      Publisher publisher,
      boolean fencesKeys,
      CommsRuntime runtime,
      ShardLeases leases,
      WakeSignal signal,
      RelayStandby standby,
      Runnable onStandby,
      OutboxEvents events) {
    OutboxConfig config = outbox.config();
    OutboxTransactions transactions = OutboxTransactions.ofLoop(outbox.jdbc());
    RowTables tables = new RowTables(outbox.jdbc());
    PostgresRows postgres =
        outbox.jdbc().dialect() == SqlDialect.POSTGRESQL ? new PostgresRows(outbox.jdbc()) : null;
    DestinationStops stops = new DestinationStops(outbox.jdbc());
    DestinationWaits destinations =
        new DestinationWaits(new DestinationPauses(runtime, config.backoff()), stops, events);
    RelayTimeSlice slice = new RelayTimeSlice();
    RelayFetchBudget budget = new RelayFetchBudget();
    this.time = runtime.time();
    this.pollNanos = config.pollInterval().toNanos();
    this.signal = signal;
    this.fencesKeys = fencesKeys;
    this.events = events;
    this.outage = new OutageLogger(events, "reading and publishing");
    this.progress = new RelayLoopProgress("relay", time);
    this.pause = new RelayPause(standby, onStandby, events, progress);
    this.drains = new RelayDrainRequests(outbox.jdbc(), transactions, leases, events);
    this.delayed = new RelayDelayedMessages(transactions, tables, leases, time, progress, config);
    RelayBackgroundTask deleting =
        new RelayBackgroundTask(signal, new RelayLoopProgress("delete", time));
    RelayBackgroundTask reading =
        new RelayBackgroundTask(signal, new RelayLoopProgress("read", time));
    this.backgroundTasks =
        postgres == null
            ? Map.of("outbox-ack", deleting)
            : Map.of("outbox-ack", deleting, "outbox-read", reading);
    this.window = new RelayWindow(fencesKeys ? Integer.MAX_VALUE : 1);
    this.deleter = new RowDeleter(outbox, transactions, tables, postgres, leases, time, deleting);
    this.reader =
        new RelayReader(
            time,
            signal,
            transactions,
            tables,
            new RelayFetcher(
                outbox.jdbc(), config.shards(), postgres, time, reading, budget, events),
            budget,
            config,
            window,
            new RelayLimits(config, window, postgres != null),
            destinations,
            slice,
            progress);
    this.publishing =
        new RelayPublishing(
            time,
            leases,
            reader,
            window,
            new RowPublisher(publisher, fencesKeys, signal, progress),
            deleter,
            new RowFailures(outbox, transactions, tables, leases, stops, runtime.random(), events),
            pause,
            destinations,
            slice,
            progress);
    this.interrupted =
        new RowInterruptedAttempt(transactions, tables, publishing::countFailure, pause, outage);
  }

  /** Runs until {@link #close}, whatever fails. */
  void run() {
    publishing.begin();
    while (!closed) {
      long wait = FAILURE_BACKOFF.toNanos();
      try {
        wait = runOnce();
      } catch (Throwable e) {
        // Handling the failure failed too: the next pass tries again.
        reader.expectMore();
      }
      rest(wait);
    }
    flushOnClose();
  }

  private long runOnce() {
    progress.begin();
    try {
      return pause.isOn() ? standBy() : tick();
    } catch (Throwable e) {
      return failed(e);
    } finally {
      progress.end();
    }
  }

  private void rest(long wait) {
    try {
      // An interrupt flag that a driver left set must not end this wait.
      Thread.interrupted();
      if (wait > 0 && !signal.await(wait)) {
        reader.expectMore();
      }
      long linger = reader.lingerNanos();
      if (linger > 0 && !closed) {
        // Without a key fence, a result lets the next row of its key go.
        signal.linger(linger, () -> closed || (!fencesKeys && publishing.hasResults()));
      }
    } catch (Throwable stray) {
      // The next pass comes earlier. Only close() ends this loop.
      reader.expectMore();
    }
  }

  /** Handles the failure of a pass; returns the time to wait before the next. */
  private long failed(Throwable failure) {
    reader.passFailed();
    if (Failures.isJvmFailure(failure)) {
      return pause(null, failure);
    }
    reader.forget();
    outage.failed(failure);
    publishing.report(Failures.text(failure));
    return FAILURE_BACKOFF.toNanos();
  }

  /**
   * Handles an error of the JVM: this relay gives its shards back and continues after a pause.
   *
   * @param row the row that was being published, which is charged a failed attempt; or null
   */
  private long pause(@Nullable OutboxRow row, Throwable failure) {
    pause.begin(failure);
    if (row != null) {
      interrupted.remember(row, failure);
      interrupted.count(publishing.ownership());
    }
    pause.announce(failure);
    return 0;
  }

  private long standBy() {
    long left = pause.nanosLeft();
    if (left > 0) {
      publishing.report("");
      return left;
    }
    publishing.keepConfirmed();
    publishing.reset();
    reader.forget();
    pause.end();
    return 0;
  }

  /** One pass; returns the time to wait for a signal before the next. */
  private long tick() {
    // Before the fetch: a read-ahead in progress may have missed what drain must wait for.
    CompletableFuture<Boolean> drainRequest = drains.pending();
    publishing.adoptOwnership();
    interrupted.count(publishing.ownership());
    publishing.settle();
    int found = 0;
    if (publishing.broken() == null) {
      deleteConfirmed();
      if (delayed.promoteDue(publishing.ownership())) {
        reader.expectMore();
      }
      found = reader.read(publishing.ownership(), draining, publishing);
      publishing.settle();
    }
    RowPublication broken = publishing.broken();
    if (broken != null) {
      return pause(broken.row(), Objects.requireNonNull(broken.failure()));
    }
    deleteConfirmed();
    publishing.reportDrained();
    reader.updateMarks();
    if (!deleter.isFailing()) {
      publishing.report("");
      outage.succeeded();
    }
    if (publishing.hasResults() || (reader.moreMayExist() && found > 0)) {
      return 0;
    }
    // Not drained while a fetch lacked capacity: then more may exist.
    if (drainRequest != null && found == 0 && !reader.moreMayExist() && isDrained()) {
      progress.doing("checking for messages that no relay reads");
      drains.answer(drainRequest, publishing.ownership());
    }
    long wait =
        Math.min(publishing.nanosToNextAttempt(pollNanos), Math.max(1, deleter.nanosToBegin()));
    return reader.moreMayExist() || draining
        ? Math.min(RelayPacing.CAPACITY_WAIT_NANOS, wait)
        : wait;
  }

  /** Removes deleted rows from memory, and begins to delete what is confirmed. */
  private void deleteConfirmed() {
    window.deleted(deleter.ended());
    if (!reader.isBusy() || deleter.nanosToBegin() <= 0) {
      deleter.begin(publishing.ownership(), reader.retriesMayExist());
    }
  }

  private boolean isDrained() {
    return publishing.isIdle()
        && publishing.ownership().isSafe(time.nanoTime())
        && !reader.hasRetriesDue(publishing.ownership());
  }

  /** Deletes what is confirmed, so that the next owner does not publish it again. */
  private void flushOnClose() {
    try {
      publishing.keepConfirmed();
      deleter.flush(publishing.ownership(), reader.retriesMayExist(), FLUSH_SECONDS);
    } catch (Throwable e) {
      events.failed(deleter.size() + " confirmed messages will be published again", e);
    }
  }

  void close() {
    closed = true;
    signal.raise();
  }

  /**
   * Requests to drain. The answer is that of a pass that begins after this call; see {@link
   * RelayDrainRequests}.
   */
  Future<Boolean> drain() {
    Future<Boolean> answer = drains.request();
    draining = true;
    signal.raise();
    return answer;
  }

  /** The tasks that run beside {@link #run}, by thread name, until {@link #stopBackgroundTasks}. */
  Map<String, RelayBackgroundTask> backgroundTasks() {
    return backgroundTasks;
  }

  /** Stops the {@link #backgroundTasks}, however {@link #run} has ended. */
  void stopBackgroundTasks() {
    backgroundTasks.values().forEach(RelayBackgroundTask::stop);
  }

  RelayLoopProgress progress() {
    return progress;
  }

  /** The time from insert to deletion of a recently deleted message. */
  Duration lag() {
    return deleter.lag();
  }

  RelayState state() {
    return publishing.state();
  }
}
