package io.commslib.outbox;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * From where each shard is read. A whole look begins at the shard's low-water mark, below which no
 * row is and none can appear; a look ahead begins behind the last row read, and is only allowed
 * while everything read before is published in turn, so that it can pass no row by. What commits
 * late below the last row is found by the next whole look. Confined to the relay's thread.
 */
final class ShardCursors {

  private static final long MIN_BETWEEN_WHOLE_NANOS = 5_000_000L;
  private static final long NET_NANOS = 30_000_000_000L;

  private final Map<Integer, Long> marks = new HashMap<>();
  private final Map<Integer, Long> last = new HashMap<>();
  private boolean ahead;
  private long wholeEnded;
  private long wholeNanos;
  private long netCast;

  ShardCursors(long nowNanos) {
    this.wholeEnded = nowNanos - MIN_BETWEEN_WHOLE_NANOS;
    this.netCast = nowNanos;
  }

  /** Something that was read will have to be read again: the next look is a whole one. */
  void reset() {
    last.clear();
    ahead = false;
  }

  /** Rows may be where none were expected: the next look begins at the start of each shard. */
  void forget() {
    reset();
    marks.clear();
  }

  /**
   * Chooses the next look.
   *
   * @param holding whether rows are held, which a whole look has to leave out
   * @return whether it only looks ahead
   */
  boolean looksAhead(long nowNanos, boolean holding) {
    if (nowNanos - netCast >= NET_NANOS) {
      netCast = nowNanos;
      forget();
    }
    // A whole look over many dead rows is slow: it may take a twentieth of the time, not more.
    long due = Math.max(MIN_BETWEEN_WHOLE_NANOS, 20 * wholeNanos);
    return (ahead || (holding && !last.isEmpty())) && nowNanos - wholeEnded < due;
  }

  /** Reads are to begin behind this id. */
  long after(int shard, boolean lookingAhead) {
    long mark = marks.getOrDefault(shard, 0L);
    return lookingAhead ? Math.max(mark, last.getOrDefault(shard, 0L)) : mark;
  }

  /**
   * Remembers what a look has found.
   *
   * @param full whether there may be more behind it
   */
  void found(List<OutboxRow> rows, boolean full) {
    for (OutboxRow row : rows) {
      last.merge(row.shard(), row.id(), Math::max);
    }
    ahead = full;
  }

  /** Remembers how long a whole look took. */
  void tookWhole(long startNanos, long endNanos) {
    wholeNanos = endNanos - startNanos;
    wholeEnded = endNanos;
  }

  /**
   * Moves marks up after a whole look that left out nothing but what is held.
   *
   * @param shards which were looked at to the first row at least
   * @param rows what was found
   * @param held what was left out
   * @param settled no row with this id or a lower one can appear any more
   */
  void raiseMarks(
      List<Integer> shards, List<OutboxRow> rows, Collection<OutboxRow> held, long settled) {
    Map<Integer, Long> lowest = new HashMap<>();
    rows.forEach(row -> lowest.merge(row.shard(), row.id(), Math::min));
    held.forEach(row -> lowest.merge(row.shard(), row.id(), Math::min));
    for (int shard : shards) {
      long below = lowest.getOrDefault(shard, Long.MAX_VALUE) - 1;
      marks.merge(shard, Math.min(below, settled), Math::max);
    }
  }
}
