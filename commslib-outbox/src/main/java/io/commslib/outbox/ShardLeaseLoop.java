package io.commslib.outbox;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.JdbcDatabase;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * Keeps the leases on a thread of its own, so that a slow broker or a long read does not cost the
 * relay its shards. While one of the relay's other loops has ended or hangs, or the relay pauses,
 * this loop gives the shards back and takes none. Between ticks it measures the backlog and deletes
 * retries without a message.
 */
final class ShardLeaseLoop {

  private static final Duration FAILURE_BACKOFF = Duration.ofMillis(300);
  private static final Duration STANDBY_INTERVAL = Duration.ofMillis(250);
  private static final Duration BACKLOG_INTERVAL = Duration.ofSeconds(2);

  private final JdbcDatabase database;
  private final CommsRuntime runtime;
  private final ShardLeases leases;
  private final OutboxTransactions transactions;
  private final RowTables tables;
  private final Supplier<String> standbyReason;
  private final Runnable onChange;
  private final RelayLoopProgress progress;
  private final WakeSignal signal = new WakeSignal();
  private final OutboxEvents events;
  private final OutageLogger outage;
  private boolean onStandby;
  private volatile boolean closed;
  private volatile Backlog backlog = Backlog.UNKNOWN;
  private volatile String failure = "";
  private long lastMeasured;

  /**
   * Creates a loop.
   *
   * @param standbyReason the reason why this relay must own nothing now; empty if there is none
   * @param onChange called when the owned shards have changed
   */
  ShardLeaseLoop(
      JdbcDatabase database,
      CommsRuntime runtime,
      ShardLeases leases,
      Supplier<String> standbyReason,
      Runnable onChange,
      OutboxEvents events) {
    this.events = events;
    this.outage = new OutageLogger(events, "keeping leases");
    this.database = database;
    this.runtime = runtime;
    this.leases = leases;
    this.transactions = OutboxTransactions.ofLoop(database);
    this.tables = new RowTables(database);
    this.standbyReason = standbyReason;
    this.onChange = onChange;
    this.progress = new RelayLoopProgress("lease", runtime.time());
    this.lastMeasured = runtime.time().nanoTime() - BACKLOG_INTERVAL.toNanos();
  }

  RelayLoopProgress progress() {
    return progress;
  }

  /** Runs until {@link #close}. */
  void run() {
    while (!closed) {
      Duration wait = FAILURE_BACKOFF;
      progress.begin();
      try {
        wait = runOnce();
        failure = "";
        outage.succeeded();
      } catch (Throwable e) {
        recordFailure(e);
      }
      progress.end();
      rest(wait);
    }
  }

  private void recordFailure(Throwable thrown) {
    try {
      failure = Failures.text(thrown);
      outage.failed(thrown);
    } catch (Throwable e) {
      failure = "an error of the JVM";
    }
  }

  private void rest(Duration wait) {
    try {
      // An interrupt flag that a driver left set must not end this wait.
      Thread.interrupted();
      signal.await(wait.toNanos());
    } catch (Throwable stray) {
      // The next pass comes earlier. Only close() ends this loop.
      Thread.onSpinWait();
    }
  }

  private Duration runOnce() {
    if (!standbyReason.get().isEmpty()) {
      if (!onStandby) {
        progress.doing("giving the shards back");
        release();
        onStandby = true;
      }
      measureBacklog();
      return STANDBY_INTERVAL;
    }
    onStandby = false;
    tick();
    Duration wait = leases.untilNextTick();
    measureBacklog();
    return wait;
  }

  private void tick() {
    progress.doing("renewing leases");
    ShardOwnership before = leases.current();
    ShardOwnership ticked = transactions.single("lease", leases::tick);
    leases.install(ticked);
    if (!before.epochs().equals(ticked.epochs()) || !before.leaving().equals(ticked.leaving())) {
      onChange.run();
    }
  }

  private void measureBacklog() {
    long now = runtime.time().nanoTime();
    if (now - lastMeasured < BACKLOG_INTERVAL.toNanos()) {
      return;
    }
    lastMeasured = now;
    progress.doing("measuring the backlog");
    Backlog before = backlog;
    backlog =
        transactions.run(
            "measure backlog",
            connection -> {
              if (tables.hasRetries(connection)) {
                tables.clearRetriesWithoutMessage(connection);
              }
              return Backlog.measure(
                  connection,
                  database,
                  leases.shards(),
                  leases.current().epochs().keySet(),
                  leases.unowned(connection));
            });
    if (before.outside() == 0 && backlog.outside() > 0) {
      events.stalled(backlog.trouble(leases.shards()));
    }
  }

  /** Gives the shards back, because the relay's thread has ended, hangs or pauses. */
  void release() {
    transactions.run(
        "release",
        connection -> {
          leases.releaseAll(connection);
          return null;
        });
  }

  Backlog backlog() {
    return backlog;
  }

  /** The reason why the last tick failed; empty if it did not. */
  String failure() {
    return failure;
  }

  /** Runs the next pass immediately, because the standby reason may have changed. */
  void wake() {
    signal.raise();
  }

  void close() {
    closed = true;
    signal.raise();
  }
}
