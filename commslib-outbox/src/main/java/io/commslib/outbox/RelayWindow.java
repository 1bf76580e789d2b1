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
 * The rows in memory: read, and not deleted yet. Rows of one key to one destination form a lane. Of
 * a lane one row is in flight at a time, or any number if the transport keeps them in order when
 * one fails. After a failure the lane accepts no row until all its rows in flight have ended.
 * Confined to the relay's thread.
 */
final class RelayWindow {

  /** A publish that failed. */
  record Failure(OutboxRow row, Throwable cause) {}

  /**
   * What to do after a publish has ended.
   *
   * @param next the row to publish now, or null
   * @param failure the failure to decide about now, or null; of several in a lane the earliest
   */
  record Step(@Nullable OutboxRow next, @Nullable Failure failure) {}

  private static final Step NO_STEP = new Step(null, null);
  private static final int ROW_OVERHEAD_BYTES = 300;

  private static final class Lane {
    final ArrayDeque<OutboxRow> waiting = new ArrayDeque<>();
    int inFlight;
    boolean failed;
    @Nullable Failure failure;
  }

  private final int maxInFlightPerKey;
  private final Map<Long, OutboxRow> rows = new LinkedHashMap<>();
  private final Map<String, Lane> lanes = new HashMap<>();
  private final Map<String, Integer> perDestination = new HashMap<>();
  private long bytes;
  private int generation;

  /**
   * Creates a window.
   *
   * @param maxInFlightPerKey the maximum number of rows in flight of one lane
   */
  RelayWindow(int maxInFlightPerKey) {
    this.maxInFlightPerKey = maxInFlightPerKey;
  }

  /** Grows with each {@link #reset}: rows published before it are no longer in the window. */
  int generation() {
    return generation;
  }

  /** Forgets all rows, which an error of the JVM may have left in any state. */
  void reset() {
    generation++;
    rows.clear();
    lanes.clear();
    perDestination.clear();
    bytes = 0;
  }

  /** Adds a row unless it is present or its lane has failed; returns whether to publish it now. */
  boolean add(OutboxRow row) {
    if (rows.containsKey(row.id())) {
      return false;
    }
    Lane lane = row.lane() == null ? null : lanes.computeIfAbsent(row.lane(), name -> new Lane());
    if (lane != null && lane.failed) {
      return false;
    }
    rows.put(row.id(), row);
    perDestination.merge(row.destination(), 1, Integer::sum);
    bytes += bytes(row);
    if (lane == null) {
      return true;
    }
    if (lane.inFlight < maxInFlightPerKey) {
      lane.inFlight++;
      return true;
    }
    lane.waiting.add(row);
    return false;
  }

  /** A publish was confirmed: the row stays in the window until it is deleted. */
  Step confirmed(OutboxRow row) {
    return ended(row, null);
  }

  /** A publish failed: the row and those that wait behind it leave, to be read again. */
  Step failed(OutboxRow row, Throwable cause) {
    remove(row);
    return ended(row, new Failure(row, cause));
  }

  /** A row can't be published now: it leaves, like after a failure that needs no decision. */
  void withdraw(OutboxRow row) {
    remove(row);
    Lane lane = row.lane() == null ? null : lanes.get(row.lane());
    if (lane != null) {
      failLane(lane);
      ended(row, null);
    }
  }

  private Step ended(OutboxRow row, @Nullable Failure failure) {
    Lane lane = row.lane() == null ? null : lanes.get(row.lane());
    if (lane == null) {
      return failure == null ? NO_STEP : new Step(null, failure);
    }
    lane.inFlight--;
    if (failure != null) {
      failLane(lane);
      if (lane.failure == null || row.id() < lane.failure.row().id()) {
        lane.failure = failure;
      }
    }
    OutboxRow next = lane.waiting.poll();
    if (next != null) {
      lane.inFlight++;
      return new Step(next, null);
    }
    if (lane.inFlight > 0) {
      return NO_STEP;
    }
    lanes.remove(row.lane());
    return new Step(null, lane.failure);
  }

  private void failLane(Lane lane) {
    lane.failed = true;
    lane.waiting.forEach(this::remove);
    lane.waiting.clear();
  }

  /** Removes the lanes' rows that match and are not in flight. */
  void dropWaiting(Predicate<OutboxRow> matching) {
    for (Lane lane : lanes.values()) {
      OutboxRow first = lane.waiting.peek();
      if (first != null && matching.test(first)) {
        lane.waiting.forEach(this::remove);
        lane.waiting.clear();
      }
    }
  }

  /** Rows were deleted from the table. */
  void deleted(Collection<OutboxRow> gone) {
    gone.forEach(this::remove);
  }

  private void remove(OutboxRow row) {
    if (rows.remove(row.id()) != null) {
      perDestination.computeIfPresent(
          row.destination(), (name, count) -> count == 1 ? null : count - 1);
      bytes -= bytes(row);
    }
  }

  /** The memory that a row takes, in bytes. */
  static long bytes(OutboxRow row) {
    return row.bytes() + ROW_OVERHEAD_BYTES;
  }

  boolean contains(OutboxRow row) {
    return rows.containsKey(row.id());
  }

  int size() {
    return rows.size();
  }

  long bytes() {
    return bytes;
  }

  /** The number of rows of a destination. */
  int rows(String destination) {
    return perDestination.getOrDefault(destination, 0);
  }

  /** The number of rows of the destination with the most rows. */
  int maxOfOneDestination() {
    int max = 0;
    for (int count : perDestination.values()) {
      max = Math.max(max, count);
    }
    return max;
  }

  /** The destinations with at least this number of rows. */
  List<String> destinationsWithAtLeast(int minimum) {
    List<String> names = new ArrayList<>();
    perDestination.forEach(
        (name, count) -> {
          if (count >= minimum) {
            names.add(name);
          }
        });
    return names;
  }

  /** The shards that have rows in the window; visits every row. */
  Set<Integer> shards() {
    Set<Integer> shards = new HashSet<>();
    rows.values().forEach(row -> shards.add(row.shard()));
    return shards;
  }

  Collection<OutboxRow> rows() {
    return rows.values();
  }
}
