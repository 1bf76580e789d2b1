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
 * lane; as many of it are with the transport as the transport can keep in order when one fails. A
 * lane in which one has failed takes nothing more until all that is out has come back. Confined to
 * the relay's thread.
 */
final class RelayWindow {

  /** What a publish could not do. */
  record Failure(OutboxRow row, Throwable cause) {}

  /**
   * What comes after a publish.
   *
   * @param next may be published now, or null
   * @param failure is to be decided about now, or null; of several in a lane the earliest
   */
  record Step(@Nullable OutboxRow next, @Nullable Failure failure) {}

  private static final Step NO_STEP = new Step(null, null);
  private static final int ROW_OVERHEAD_BYTES = 300;

  private static final class Lane {
    final ArrayDeque<OutboxRow> waiting = new ArrayDeque<>();
    int inFlight;
    boolean broken;
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
   * @param depth how many of one key may be unconfirmed at a time
   */
  RelayWindow(int depth) {
    this.maxInFlightPerKey = depth;
  }

  /** Grows with each {@link #reset}: what was handed over before is not held any more. */
  int generation() {
    return generation;
  }

  /** Holds nothing any more: an error may have left rows half held. */
  void reset() {
    generation++;
    rows.clear();
    lanes.clear();
    perDestination.clear();
    bytes = 0;
  }

  /** Takes a row unless it is held already or its lane is broken; true if to be published now. */
  boolean add(OutboxRow row) {
    if (rows.containsKey(row.id())) {
      return false;
    }
    Lane lane = row.lane() == null ? null : lanes.computeIfAbsent(row.lane(), name -> new Lane());
    if (lane != null && lane.broken) {
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

  /** A publish was confirmed: the row stays held until it is acknowledged. */
  Step confirmed(OutboxRow row) {
    return returned(row, null);
  }

  /** A publish failed: the row, and what waits behind it, is found again by a later read. */
  Step failed(OutboxRow row, Throwable cause) {
    remove(row);
    return returned(row, new Failure(row, cause));
  }

  /** A row that was to be published is not: like a failure about which nothing is to be decided. */
  void withdraw(OutboxRow row) {
    remove(row);
    Lane lane = row.lane() == null ? null : lanes.get(row.lane());
    if (lane != null) {
      breakLane(lane);
      returned(row, null);
    }
  }

  private Step returned(OutboxRow row, @Nullable Failure failure) {
    Lane lane = row.lane() == null ? null : lanes.get(row.lane());
    if (lane == null) {
      return failure == null ? NO_STEP : new Step(null, failure);
    }
    lane.inFlight--;
    if (failure != null) {
      breakLane(lane);
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

  private void breakLane(Lane lane) {
    lane.broken = true;
    lane.waiting.forEach(this::remove);
    lane.waiting.clear();
  }

  /** Lets go of rows that match and are not with the transport. */
  void dropWaiting(Predicate<OutboxRow> matching) {
    for (Lane lane : lanes.values()) {
      OutboxRow first = lane.waiting.peek();
      if (first != null && matching.test(first)) {
        lane.waiting.forEach(this::remove);
        lane.waiting.clear();
      }
    }
  }

  void deleted(Collection<OutboxRow> rows) {
    rows.forEach(this::remove);
  }

  private void remove(OutboxRow row) {
    if (rows.remove(row.id()) != null) {
      perDestination.computeIfPresent(
          row.destination(), (name, count) -> count == 1 ? null : count - 1);
      bytes -= bytes(row);
    }
  }

  /** What a held row takes. */
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

  int rows(String destination) {
    return perDestination.getOrDefault(destination, 0);
  }

  /** How many rows are held of the destination with most. */
  int maxOfOneDestination() {
    int most = 0;
    for (int count : perDestination.values()) {
      most = Math.max(most, count);
    }
    return most;
  }

  /** Destinations of which at least so many rows are held. */
  List<String> destinationsWithAtLeast(int rows) {
    List<String> names = new ArrayList<>();
    perDestination.forEach(
        (name, count) -> {
          if (count >= rows) {
            names.add(name);
          }
        });
    return names;
  }

  /** Shards of which rows are held; passes over all that are. */
  Set<Integer> shards() {
    Set<Integer> shards = new HashSet<>();
    rows.values().forEach(row -> shards.add(row.shard()));
    return shards;
  }

  Collection<OutboxRow> rows() {
    return rows.values();
  }
}
