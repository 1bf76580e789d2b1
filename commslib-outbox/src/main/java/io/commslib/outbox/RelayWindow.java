package io.commslib.outbox;

import java.util.AbstractCollection;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
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

  /** A row with what it belongs to, so that no text is looked up again. */
  private record Entry(OutboxRow row, @Nullable Lane lane, Count ofDestination) {}

  private static final class Count {
    int rows;
  }

  private static final class Lane {
    final ArrayDeque<OutboxRow> waiting = new ArrayDeque<>();
    int inFlight;
    boolean failed;
    @Nullable Failure failure;
  }

  private final int maxInFlightPerKey;
  private final Map<Long, Entry> entries = new LinkedHashMap<>();
  private final Map<String, Lane> lanes = new HashMap<>();
  private final Map<String, Count> perDestination = new HashMap<>();
  private final Collection<OutboxRow> rows = new RowsView();
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
    entries.clear();
    lanes.clear();
    perDestination.clear();
    bytes = 0;
  }

  /** Adds a row unless it is present or its lane has failed; returns whether to publish it now. */
  boolean add(OutboxRow row) {
    if (entries.containsKey(row.id())) {
      return false;
    }
    Lane lane = row.lane() == null ? null : lanes.computeIfAbsent(row.lane(), name -> new Lane());
    if (lane != null && lane.failed) {
      return false;
    }
    Count count = perDestination.computeIfAbsent(row.destination(), name -> new Count());
    count.rows++;
    entries.put(row.id(), new Entry(row, lane, count));
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
    Entry entry = entries.get(row.id());
    return ended(row, entry == null ? laneOf(row) : entry.lane(), null);
  }

  /** A publish failed: the row and those that wait behind it leave, to be read again. */
  Step failed(OutboxRow row, Throwable cause) {
    remove(row);
    return ended(row, laneOf(row), new Failure(row, cause));
  }

  /** A row can't be published now: it leaves, like after a failure that needs no decision. */
  void withdraw(OutboxRow row) {
    remove(row);
    Lane lane = laneOf(row);
    if (lane != null) {
      failLane(lane);
      ended(row, lane, null);
    }
  }

  private @Nullable Lane laneOf(OutboxRow row) {
    return row.lane() == null ? null : lanes.get(row.lane());
  }

  private Step ended(OutboxRow row, @Nullable Lane lane, @Nullable Failure failure) {
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
    Entry entry = entries.remove(row.id());
    if (entry != null) {
      if (--entry.ofDestination().rows == 0) {
        perDestination.remove(row.destination());
      }
      bytes -= bytes(row);
    }
  }

  /** The memory that a row takes, in bytes. */
  static long bytes(OutboxRow row) {
    return row.bytes() + ROW_OVERHEAD_BYTES;
  }

  boolean contains(OutboxRow row) {
    return entries.containsKey(row.id());
  }

  int size() {
    return entries.size();
  }

  long bytes() {
    return bytes;
  }

  /** The number of rows of a destination. */
  int rows(String destination) {
    Count count = perDestination.get(destination);
    return count == null ? 0 : count.rows;
  }

  /** The number of rows of the destination with the most rows. */
  int maxOfOneDestination() {
    int max = 0;
    for (Count count : perDestination.values()) {
      max = Math.max(max, count.rows);
    }
    return max;
  }

  /** The destinations with at least this number of rows. */
  List<String> destinationsWithAtLeast(int minimum) {
    List<String> names = new ArrayList<>();
    perDestination.forEach(
        (name, count) -> {
          if (count.rows >= minimum) {
            names.add(name);
          }
        });
    return names;
  }

  /** The shards that have rows in the window; visits every row. */
  Set<Integer> shards() {
    Set<Integer> shards = new HashSet<>();
    rows.forEach(row -> shards.add(row.shard()));
    return shards;
  }

  Collection<OutboxRow> rows() {
    return rows;
  }

  private final class RowsView extends AbstractCollection<OutboxRow> {
    @Override
    public Iterator<OutboxRow> iterator() {
      Iterator<Entry> each = entries.values().iterator();
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          return each.hasNext();
        }

        @Override
        public OutboxRow next() {
          return each.next().row();
        }
      };
    }

    @Override
    public int size() {
      return entries.size();
    }
  }
}
