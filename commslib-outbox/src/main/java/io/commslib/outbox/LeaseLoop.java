package io.commslib.outbox;

import io.commslib.core.spi.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.JdbcDatabase;
import java.time.Duration;

/**
 * Keeps the leases, on a thread of its own: so that a slow broker or a long read does not cost the
 * relay its shards. Between ticks it looks how far behind the outbox is, and tidies.
 */
final class LeaseLoop {

  private static final Duration AFTER_FAILURE = Duration.ofMillis(300);
  private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);

  private final JdbcDatabase database;
  private final CommsRuntime runtime;
  private final ShardLeases leases;
  private final OutboxTransactions transactions;
  private final OutboxTables tables;
  private final Runnable onChange;
  private final WakeSignal signal = new WakeSignal();
  private final Outage outage;
  private volatile boolean closed;
  private volatile Backlog backlog = Backlog.UNKNOWN;
  private volatile String failure = "";
  private long looked;

  LeaseLoop(
      JdbcDatabase database,
      CommsRuntime runtime,
      ShardLeases leases,
      Runnable onChange,
      OutboxEvents events) {
    this.outage = new Outage(events, "keeping leases");
    this.database = database;
    this.runtime = runtime;
    this.leases = leases;
    this.transactions = new OutboxTransactions(database);
    this.tables = new OutboxTables(database);
    this.onChange = onChange;
    this.looked = runtime.time().nanoTime() - BETWEEN_LOOKS.toNanos();
  }

  /** Runs until {@link #close}. */
  void run() throws InterruptedException {
    while (!closed) {
      Duration wait = AFTER_FAILURE;
      try {
        tick();
        wait = leases.nextTick();
        look();
        failure = "";
        outage.succeeded();
      } catch (RuntimeException e) {
        failure = Failures.text(e);
        outage.failed(e);
      }
      signal.await(wait.toNanos());
    }
  }

  private void tick() {
    Ownership before = leases.current();
    Ownership ticked = transactions.single("lease", leases::tick);
    leases.install(ticked);
    if (!before.epochs().equals(ticked.epochs()) || !before.leaving().equals(ticked.leaving())) {
      onChange.run();
    }
  }

  private void look() {
    long now = runtime.time().nanoTime();
    if (now - looked < BETWEEN_LOOKS.toNanos()) {
      return;
    }
    looked = now;
    backlog =
        transactions.run(
            "look",
            connection -> {
              if (tables.hasRetries(connection)) {
                tables.clearRetriesWithoutMessage(connection);
              }
              return Backlog.look(
                  connection,
                  database,
                  leases.current().epochs().keySet(),
                  leases.unowned(connection));
            });
  }

  /** Gives the shards back; for when the relay's thread has ended. */
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

  /** Why the last tick failed; empty if it did not. */
  String failure() {
    return failure;
  }

  void close() {
    closed = true;
    signal.raise();
  }
}
