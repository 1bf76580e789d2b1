package io.commslib.outbox;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The shards that a relay owns at one moment. Immutable.
 *
 * @param epochs the epoch of each owned shard
 * @param leaving owned shards to release: no longer read, and kept until nothing of them is in
 *     memory
 * @param leaseEndNanos the end of the lease by this process's monotonic clock
 */
record ShardOwnership(Map<Integer, Long> epochs, Set<Integer> leaving, long leaseEndNanos) {

  /** The time before the end of its lease from which a relay begins nothing new. */
  static final Duration SAFETY_MARGIN = Duration.ofSeconds(3);

  ShardOwnership {
    epochs = Map.copyOf(epochs);
    leaving = Set.copyOf(leaving);
  }

  static ShardOwnership none(long nowNanos) {
    return new ShardOwnership(Map.of(), Set.of(), nowNanos);
  }

  /** Whether the lease lasts long enough to begin a publish or a read. */
  boolean isSafe(long nowNanos) {
    return leaseEndNanos - SAFETY_MARGIN.toNanos() - nowNanos > 0;
  }

  boolean owns(int shard) {
    return epochs.containsKey(shard);
  }

  boolean owns(int shard, long epoch) {
    Long current = epochs.get(shard);
    return current != null && current == epoch;
  }

  /** The shards to read from; none once the lease is too near its end. */
  Set<Integer> readable(long nowNanos) {
    if (!isSafe(nowNanos)) {
      return Set.of();
    }
    Set<Integer> shards = new HashSet<>(epochs.keySet());
    shards.removeAll(leaving);
    return shards;
  }

  ShardOwnership without(int shard) {
    Map<Integer, Long> fewer = new HashMap<>(epochs);
    fewer.remove(shard);
    return new ShardOwnership(fewer, leaving, leaseEndNanos);
  }
}
