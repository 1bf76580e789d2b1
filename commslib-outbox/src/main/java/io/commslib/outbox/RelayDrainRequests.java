package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What callers of {@link OutboxRelay#drain} wait for. Each call is answered by a pass that began
 * after it, and not with true while there are messages that no relay will fetch. Thread-safe; the
 * relay's thread answers.
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

  /** The answer of a pass that begins from now on. */
  Future<Boolean> request() {
    CompletableFuture<Boolean> mine = new CompletableFuture<>();
    CompletableFuture<Boolean> open =
        pending.updateAndGet(before -> before == null || before.isDone() ? mine : before);
    return open == null ? mine : open;
  }

  /** What waits for an answer; null if nothing does. */
  @Nullable CompletableFuture<Boolean> pending() {
    CompletableFuture<Boolean> open = pending.get();
    return open == null || open.isDone() ? null : open;
  }

  /**
   * This relay has nothing more to do in the shards of {@code own}. What other relays own is
   * theirs; a message in a shard that no relay owns is waited for, until a relay takes the shard.
   */
  void answer(CompletableFuture<Boolean> open, ShardOwnership own) {
    int outside = transactions.run("drain", connection -> outside(connection, own));
    if (outside > 0) {
      events.stalled("drained, but " + Backlog.outsideText(outside, leases.shards()));
    }
    if (outside >= 0) {
      open.complete(outside == 0);
    }
  }

  /** The number of messages that no relay ever reads, or -1 if there are some still to be taken. */
  private int outside(Connection connection, ShardOwnership own) throws SQLException {
    return leases.hasMessagesInFreeShards(connection, own)
        ? -1
        : Backlog.outside(connection, database, leases.shards());
  }
}
