package io.commslib.outbox;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What a relay owns, as of one moment. Immutable.
 *
 * @param epochs epoch by owned shard
 * @param leaving owned shards that another relay shall get: finished, but not read any more
 * @param leaseEndNanos when the lease ends, by the own monotonic clock
 */
record ShardOwnership(Map<Integer, Long> epochs, Set<Integer> leaving, long leaseEndNanos) {

  /** How long before the end of its lease a relay stops to begin anything. */
  static final Duration SAFETY_MARGIN = Duration.ofSeconds(3);

  ShardOwnership {
    epochs = Map.copyOf(epochs);
    leaving = Set.copyOf(leaving);
  }

  static ShardOwnership none(long nowNanos) {
    return new ShardOwnership(Map.of(), Set.of(), nowNanos);
  }

  /** Whether the lease lasts long enough to begin something. */
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

  /** Shards to read from now; none once the lease is too near its end. */
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
