package io.commslib.outbox;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * From where each shard is read: behind the highest id up to which every row that is or can ever
 * appear has been read. Never further: a row that commits late below what was read last may be
 * followed by a later one of its key, which must not be published before it. Confined to the
 * relay's thread.
 */
final class ShardCursors {

  private static final long[] NONE = {};
  private static final long FULL_RESCAN_INTERVAL_NANOS = 30_000_000_000L;

  /** Up to here all rows have been read; some may still be held, and be given back. */
  private final long[] cursors;

  /** Up to here there are no rows any more, held ones neither. */
  private final long[] marks;

  private long highestId;

  /** Whether a held row may be beyond its shard's cursor: in a backlog that lies still none is. */
  private boolean mayExceedCursors;

  private long rescans;
  private long lastFullRescan;

  ShardCursors(int shards, long nowNanos) {
    this.cursors = new long[shards];
    this.marks = new long[shards];
    this.lastFullRescan = nowNanos;
  }

  /** Something that was read and is not held any more will have to be read again. */
  void rescan() {
    System.arraycopy(marks, 0, cursors, 0, marks.length);
    rescans++;
    mayExceedCursors = true;
  }

  /** Grows with each reset: a look that began before the last one has missed something. */
  long rescans() {
    return rescans;
  }

  /** Rows may be where none were expected: the next look begins at the start of each shard. */
  void fullRescan() {
    Arrays.fill(marks, 0);
    highestId = 0;
    rescan();
  }

  /** Twice a minute everything is read from the start, should a row have been put back by hand. */
  void fullRescanIfDue(long nowNanos) {
    if (nowNanos - lastFullRescan >= FULL_RESCAN_INTERVAL_NANOS) {
      lastFullRescan = nowNanos;
      fullRescan();
    }
  }

  /** Reads are to begin behind this id. */
  long after(int shard) {
    return cursors[shard];
  }

  /** There are no rows up to this id any more. */
  long mark(int shard) {
    return marks[shard];
  }

  /** The highest id found so far. */
  long highestId() {
    return highestId;
  }

  /** Rows may be held from now on that {@link #fetched} was not told of. */
  void rowsAddedUnseen() {
    mayExceedCursors = true;
  }

  /** Those of the held rows, and of others, a look would find again. */
  long[] beyondCursors(Collection<OutboxRow> held, Collection<OutboxRow> others) {
    if (!mayExceedCursors) {
      return NONE;
    }
    long[] ids = new long[held.size() + others.size()];
    int count = 0;
    for (Collection<OutboxRow> rows : List.of(held, others)) {
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
   * Remembers what a look has found.
   *
   * @param shards which were looked at
   * @param found in the order of the shards, ascending in each
   * @param each how many of a shard were wanted at most: of one with so many there may be more
   * @param limit how many were wanted at most: of the last one's shard there may be more
   * @param settled no row with this id or a lower one could appear any more when the look began
   */
  void fetched(List<Integer> shards, List<OutboxRow> found, int each, int limit, long settled) {
    int[] counts = new int[cursors.length];
    long[] last = new long[cursors.length];
    for (OutboxRow row : found) {
      counts[row.shard()]++;
      last[row.shard()] = Math.max(last[row.shard()], row.id());
      highestId = Math.max(highestId, row.id());
    }
    mayExceedCursors |= highestId > settled;
    int cut = found.size() < limit ? -1 : found.get(found.size() - 1).shard();
    for (int shard : shards) {
      boolean all = counts[shard] < each && shard != cut;
      cursors[shard] = Math.max(cursors[shard], all ? settled : Math.min(last[shard], settled));
      if (shard == cut) {
        return;
      }
    }
  }

  /** Moves marks up to below what is held; asked when all that was found is held or reset. */
  void raiseMarks(Collection<OutboxRow> held) {
    long[] lowest = new long[marks.length];
    Arrays.fill(lowest, Long.MAX_VALUE);
    for (OutboxRow row : held) {
      lowest[row.shard()] = Math.min(lowest[row.shard()], row.id());
    }
    for (int shard = 0; shard < marks.length; shard++) {
      marks[shard] = Math.max(marks[shard], Math.min(cursors[shard], lowest[shard] - 1));
    }
  }
}
