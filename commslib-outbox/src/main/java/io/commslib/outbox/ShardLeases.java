package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The shards that this relay owns. Ownership lasts for a lease by the database's clock and carries
 * an epoch that grows with each change of owner; every write that decides about a row checks it. By
 * its own monotonic clock a relay stops {@link ShardOwnership#SAFETY_MARGIN} before its lease ends,
 * so that a pause of the process does not make it publish from a shard that another relay owns.
 *
 * <p>Thread-safe: the lease thread calls {@link #tick} and {@link #install}. The relay's thread
 * reads {@link #current} and reports shards that it finds lost or has drained.
 */
final class ShardLeases {

  /** An upper limit, so that with a long lease a new relay gets its share soon. */
  private static final Duration MAX_TICK_INTERVAL = Duration.ofSeconds(5);

  /** The interval while shards change their owners. */
  private static final Duration UNBALANCED_TICK_INTERVAL = Duration.ofSeconds(1);

  private record Drained(ShardOwnership seen, Set<Integer> shards) {}

  private final JdbcDatabase database;
  private final OutboxConfig config;
  private final TimeSource time;
  private final String node;
  private final ShardTable table;
  private final AtomicReference<ShardOwnership> ownership;
  private final AtomicReference<Drained> drained;
  private final AtomicLong losses = new AtomicLong();
  private volatile boolean balanced;

  ShardLeases(JdbcDatabase database, OutboxConfig config, TimeSource time, String node) {
    this.database = database;
    this.config = config;
    this.time = time;
    this.node = node;
    this.table = new ShardTable(database, node, config.leaseTime());
    ShardOwnership none = ShardOwnership.none(time.nanoTime());
    this.ownership = new AtomicReference<>(none);
    this.drained = new AtomicReference<>(new Drained(none, Set.of()));
  }

  /** Inserts the shard rows if there are none; rejects tables made for another number of shards. */
  void prepare(Connection connection) throws SQLException {
    new ShardCount(database, config.shards()).store(connection);
  }

  /** The name under which this relay owns shards. */
  String node() {
    return node;
  }

  /** The number of shards. */
  int shards() {
    return config.shards();
  }

  /** The current ownership. */
  ShardOwnership current() {
    return ownership.get();
  }

  /**
   * Renews the lease, chooses shards to release above a fair share, and takes expired shards up to
   * it. The result is valid only once {@link #install} was called. Each statement must commit by
   * itself: a process that stalls between two of them must not keep its shards locked. If a tick
   * fails after it has taken a shard, the next tick finds the shard as its own.
   */
  ShardOwnership tick(Connection connection) throws SQLException {
    long started = time.nanoTime();
    table.heartbeat(connection);
    table.renew(connection);
    Map<Integer, Long> epochs = new TreeMap<>(table.epochs(connection));
    int share = fairShare(connection);
    Set<Integer> leaving = chooseLeaving(connection, epochs, share);
    takeExpired(connection, epochs, share);
    balanced = leaving.isEmpty() && epochs.size() == share;
    return new ShardOwnership(epochs, leaving, started + config.leaseTime().toNanos());
  }

  /** Makes the result of a committed tick the current ownership. */
  void install(ShardOwnership ticked) {
    ownership.set(ticked);
  }

  /** Whether the owned shards are no longer safe to use, because no tick succeeded in time. */
  boolean hasLapsed() {
    ShardOwnership now = ownership.get();
    return !now.epochs().isEmpty() && !now.isSafe(time.nanoTime());
  }

  /** The time until the next tick: short while shards change their owners. */
  Duration untilNextTick() {
    Duration third = config.leaseTime().dividedBy(3);
    Duration calm = third.compareTo(MAX_TICK_INTERVAL) < 0 ? third : MAX_TICK_INTERVAL;
    return balanced ? calm : UNBALANCED_TICK_INTERVAL;
  }

  /** The number of shards without an owner. */
  int unowned(Connection connection) throws SQLException {
    return table.unowned(connection);
  }

  /**
   * Whether there is a message in a shard that no relay owns now, or that this relay has taken
   * since {@code seen}.
   */
  boolean hasMessagesInFreeShards(Connection connection, ShardOwnership seen) throws SQLException {
    return table.takeableWithMessages(connection).stream().anyMatch(shard -> !seen.owns(shard));
  }

  /** The number of shards for each relay whose heartbeat is newer than one lease, rounded up. */
  private int fairShare(Connection connection) throws SQLException {
    int live = Math.max(1, table.liveNodes(connection));
    return (config.shards() + live - 1) / live;
  }

  /** Chooses the leaving shards, those chosen before first; releases those that are drained. */
  private Set<Integer> chooseLeaving(Connection connection, Map<Integer, Long> epochs, int share)
      throws SQLException {
    ShardOwnership before = ownership.get();
    List<Integer> candidates = new ArrayList<>(epochs.keySet());
    Collections.reverse(candidates);
    candidates.sort(
        (a, b) -> Boolean.compare(before.leaving().contains(b), before.leaving().contains(a)));
    Set<Integer> leaving =
        new HashSet<>(candidates.subList(0, Math.max(0, candidates.size() - share)));
    Drained report = drained.get();
    // Valid only if the relay's thread has seen no newer ownership: else it may read them again.
    if (report.seen() == before) {
      for (int shard : report.shards()) {
        if (leaving.remove(shard)) {
          ownership.updateAndGet(now -> now.without(shard));
          table.release(connection, shard);
          epochs.remove(shard);
        }
      }
    }
    return leaving;
  }

  private void takeExpired(Connection connection, Map<Integer, Long> epochs, int share)
      throws SQLException {
    int wanted = share - epochs.size();
    if (wanted <= 0) {
      return;
    }
    List<Integer> expired = table.expired(connection, wanted);
    for (int shard : expired) {
      table.take(connection, shard);
    }
    if (!expired.isEmpty()) {
      epochs.putAll(table.epochs(connection));
    }
  }

  /** Releases all shards, so that the next owner need not wait for the lease to end. */
  void releaseAll(Connection connection) throws SQLException {
    ownership.set(ShardOwnership.none(time.nanoTime()));
    table.releaseAll(connection);
  }

  /**
   * Reports that the relay's thread has no rows of these shards in memory. Under the ownership that
   * it has seen it does not read them again.
   */
  void reportDrained(ShardOwnership seen, Set<Integer> shards) {
    drained.set(new Drained(seen, Set.copyOf(shards)));
  }

  /**
   * Locks the shard's row for a write that decides about a row of it; returns false if this relay
   * no longer owns the shard. On PostgreSQL the server rolls the transaction back if it then stays
   * idle for a lease, so that another relay can take the shard.
   */
  boolean fence(Connection connection, ShardOwnership seen, int shard) throws SQLException {
    Long epoch = seen.epochs().get(shard);
    if (epoch == null) {
      return false;
    }
    boolean owned = table.lock(connection, shard, epoch);
    if (!owned) {
      recordLoss(shard, epoch);
    }
    return owned;
  }

  /** Drops the shards whose epoch has changed; called in the transaction of each deletion. */
  void compareEpochs(Connection connection, ShardOwnership seen) throws SQLException {
    compareEpochs(table.epochs(connection), seen);
  }

  /** As above, with the epochs of this node's shards that a deletion has returned. */
  void compareEpochs(Map<Integer, Long> now, ShardOwnership seen) {
    seen.epochs()
        .forEach(
            (shard, epoch) -> {
              if (!epoch.equals(now.get(shard))) {
                recordLoss(shard, epoch);
              }
            });
  }

  /** The number of shards that this relay has found taken by another. */
  long losses() {
    return losses.get();
  }

  private void recordLoss(int shard, long epoch) {
    ShardOwnership before =
        ownership.getAndUpdate(now -> now.owns(shard, epoch) ? now.without(shard) : now);
    if (before.owns(shard, epoch)) {
      losses.incrementAndGet();
    }
  }
}
