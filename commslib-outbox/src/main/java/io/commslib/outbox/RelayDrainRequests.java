package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Open calls of {@link OutboxRelay#drain}. A call is answered by a pass that began after it, and
 * not with true while there are messages that no relay fetches. Thread-safe; the relay's thread
 * answers.
 */
final class RelayDrainRequests {

  private final JdbcDatabase database;
  private final OutboxTransactions transactions;
  private final ShardLeases leases;
  private final OutboxEvents events;
  private final AtomicReference<@Nullable CompletableFuture<Boolean>> pending =
      new AtomicReference<>();

  RelayDrainRequests(
      JdbcDatabase database,
      OutboxTransactions transactions,
      ShardLeases leases,
      OutboxEvents events) {
    this.database = database;
    this.transactions = transactions;
    this.leases = leases;
    this.events = events;
  }

  /** Returns the answer of a pass that begins from now on. */
  Future<Boolean> request() {
    CompletableFuture<Boolean> mine = new CompletableFuture<>();
    CompletableFuture<Boolean> open =
        pending.updateAndGet(before -> before == null || before.isDone() ? mine : before);
    return open == null ? mine : open;
  }

  /** The request that waits for an answer; null if there is none. */
  @Nullable CompletableFuture<Boolean> pending() {
    CompletableFuture<Boolean> open = pending.get();
    return open == null || open.isDone() ? null : open;
  }

  /**
   * Answers, since this relay has nothing left to do in the shards of {@code ownership}. Shards of
   * other relays do not matter. While a shard without an owner has a message, this does nothing: a
   * relay will take it.
   */
  void answer(CompletableFuture<Boolean> open, ShardOwnership ownership) {
    int outside = transactions.run("drain", connection -> outside(connection, ownership));
    if (outside > 0) {
      events.stalled("drained, but " + Backlog.outsideText(outside, leases.shards()));
    }
    if (outside >= 0) {
      open.complete(outside == 0);
    }
  }

  /** The number of messages that no relay ever reads; -1 if a shard is still to be taken. */
  private int outside(Connection connection, ShardOwnership ownership) throws SQLException {
    return leases.hasMessagesInFreeShards(connection, ownership)
        ? -1
        : Backlog.outside(connection, database, leases.shards());
  }
}
