package io.commslib.outbox;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * The cursor of each shard: the id after which reads begin. Every row up to the cursor that exists,
 * or can ever appear, has been read. A cursor must never be further: a row that commits late below
 * the last row read may be followed by a later row of its key, which must not be published first.
 * Confined to the relay's thread.
 */
final class ShardCursors {

  private static final long[] NONE = {};
  private static final long FULL_RESCAN_INTERVAL_NANOS = 30_000_000_000L;

  /** All rows up to here have been read; some may be in memory, and leave it unpublished. */
  private final long[] cursors;

  /** All rows up to here are gone from the table and from memory: cursors return to here. */
  private final long[] marks;

  private long highestId;

  /** Whether a row in memory may be beyond its shard's cursor; in a stable backlog none is. */
  private boolean mayExceedCursors;

  private long rescans;
  private long lastFullRescan;

  ShardCursors(int shards, long nowNanos) {
    this.cursors = new long[shards];
    this.marks = new long[shards];
    this.lastFullRescan = nowNanos;
  }

  /** Rows that were read are no longer in memory: reads begin at the marks again. */
  void rescan() {
    System.arraycopy(marks, 0, cursors, 0, marks.length);
    rescans++;
    mayExceedCursors = true;
  }

  /** The number of rescans; a read that began before the last one has missed rows. */
  long rescans() {
    return rescans;
  }

  /** Rows may be at ids that were read already: reads begin at the start of each shard. */
  void fullRescan() {
    Arrays.fill(marks, 0);
    highestId = 0;
    rescan();
  }

  /** Begins a full rescan twice a minute, in case an operator has inserted a row by hand. */
  void fullRescanIfDue(long nowNanos) {
    if (nowNanos - lastFullRescan >= FULL_RESCAN_INTERVAL_NANOS) {
      lastFullRescan = nowNanos;
      fullRescan();
    }
  }

  /** The id after which to read. */
  long after(int shard) {
    return cursors[shard];
  }

  /** The id up to which no rows are left. */
  long mark(int shard) {
    return marks[shard];
  }

  /** The highest id found so far. */
  long highestId() {
    return highestId;
  }

  /** Rows may be in memory from now on that {@link #fetched} does not know. */
  void rowsAddedUnseen() {
    mayExceedCursors = true;
  }

  /** The ids of rows in memory, and of other rows, that a read would find again. */
  long[] beyondCursors(Collection<OutboxRow> inMemory, Collection<OutboxRow> others) {
    if (!mayExceedCursors) {
      return NONE;
    }
    long[] ids = new long[inMemory.size() + others.size()];
    int count = 0;
    for (Collection<OutboxRow> rows : List.of(inMemory, others)) {
      for (OutboxRow row : rows) {
        if (row.id() > cursors[row.shard()]) {
          ids[count++] = row.id();
        }
      }
    }
    mayExceedCursors = count > 0;
    return Arrays.copyOf(ids, count);
  }

  /**
   * Moves the cursors after a read.
   *
   * @param shards the shards that were read
   * @param found rows in the order of the shards, ascending in each
   * @param perShard the maximum number of rows of a shard: one that has it may have more
   * @param limit the maximum number of rows: if it was reached, the last shard may have more
   * @param watermark no row with this id or a lower one could appear when the read began
   */
  void fetched(
      List<Integer> shards, List<OutboxRow> found, int perShard, int limit, long watermark) {
    int[] counts = new int[cursors.length];
    long[] last = new long[cursors.length];
    for (OutboxRow row : found) {
      counts[row.shard()]++;
      last[row.shard()] = Math.max(last[row.shard()], row.id());
      highestId = Math.max(highestId, row.id());
    }
    mayExceedCursors |= highestId > watermark;
    int lastShard = found.size() < limit ? -1 : found.get(found.size() - 1).shard();
    for (int shard : shards) {
      boolean complete = counts[shard] < perShard && shard != lastShard;
      long readUpTo = complete ? watermark : Math.min(last[shard], watermark);
      cursors[shard] = Math.max(cursors[shard], readUpTo);
      if (shard == lastShard) {
        return;
      }
    }
  }

  /** Raises the marks to below the rows in memory. No found row may be missing without a rescan. */
  void raiseMarks(Collection<OutboxRow> inMemory) {
    long[] lowest = new long[marks.length];
    Arrays.fill(lowest, Long.MAX_VALUE);
    for (OutboxRow row : inMemory) {
      lowest[row.shard()] = Math.min(lowest[row.shard()], row.id());
    }
    for (int shard = 0; shard < marks.length; shard++) {
      marks[shard] = Math.max(marks[shard], Math.min(cursors[shard], lowest[shard] - 1));
    }
  }
}
