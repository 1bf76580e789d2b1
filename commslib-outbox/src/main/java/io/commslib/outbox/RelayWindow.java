package io.commslib.outbox;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The rows a relay has read and not yet acknowledged. Rows of one key to one destination form a
 * lane of which only the head is with the transport: so a failed publish never lets a later message
 * of the key out before it. Confined to the relay's thread.
 */
final class RelayWindow {

  private record RowId(int shard, long id) {}

  private final Map<RowId, OutboxRow> held = new LinkedHashMap<>();
  private final Map<String, ArrayDeque<OutboxRow>> lanes = new HashMap<>();
  private final Map<Integer, Integer> perShard = new HashMap<>();

  /** Takes a row unless it is held already; true if it may be published now. */
  boolean add(OutboxRow row) {
    if (held.putIfAbsent(new RowId(row.shard(), row.id()), row) != null) {
      return false;
    }
    perShard.merge(row.shard(), 1, Integer::sum);
    String lane = row.lane();
    if (lane == null) {
      return true;
    }
    ArrayDeque<OutboxRow> rows = lanes.computeIfAbsent(lane, name -> new ArrayDeque<>());
    rows.add(row);
    return rows.size() == 1;
  }

  /**
   * The head of a lane is confirmed: returns the next one to publish. It stays held until
   * acknowledged.
   */
  @Nullable OutboxRow next(OutboxRow confirmed) {
    String lane = confirmed.lane();
    ArrayDeque<OutboxRow> rows = lane == null ? null : lanes.get(lane);
    if (rows == null || rows.peek() != confirmed) {
      return null;
    }
    rows.poll();
    if (rows.isEmpty()) {
      lanes.remove(lane);
    }
    return rows.peek();
  }

  /** Lets go of a row and of what stands behind it in its lane; a later read finds them again. */
  void forget(OutboxRow row) {
    String lane = row.lane();
    ArrayDeque<OutboxRow> rows = lane == null ? null : lanes.get(lane);
    if (rows != null && rows.contains(row)) {
      lanes.remove(lane);
      rows.forEach(this::remove);
    } else {
      remove(row);
    }
  }

  /** Lets go of rows of the lanes' tails that match and are not with the transport. */
  void forgetWaiting(Predicate<OutboxRow> matching) {
    for (ArrayDeque<OutboxRow> rows : new ArrayList<>(lanes.values())) {
      if (matching.test(rows.element())) {
        OutboxRow head = rows.poll();
        rows.forEach(this::remove);
        rows.clear();
        rows.add(head);
      }
    }
  }

  void acknowledged(Collection<OutboxRow> rows) {
    rows.forEach(this::remove);
  }

  private void remove(OutboxRow row) {
    if (held.remove(new RowId(row.shard(), row.id())) != null) {
      perShard.computeIfPresent(row.shard(), (shard, count) -> count == 1 ? null : count - 1);
    }
  }

  int size() {
    return held.size();
  }

  int largestShard() {
    return perShard.values().stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  Set<Integer> busyShards() {
    return new HashSet<>(perShard.keySet());
  }

  List<OutboxRow> rows() {
    return new ArrayList<>(held.values());
  }
}
