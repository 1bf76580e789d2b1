package io.commslib.kafka;

import java.util.BitSet;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * What is unfinished of one partition during one assignment. The offset to commit is the lowest
 * unfinished one: never past a gap. What is finished beyond it travels in the commit's metadata, so
 * that a successor does not do it again. A new assignment has a new ledger, so that late
 * completions of an old one change nothing. Thread-safe.
 *
 * <p>Offsets that never come, because they were compacted away or are markers of transactions,
 * count as finished once a later one has come.
 */
final class PartitionLedger {

  /** From so many fruitless starts on, records are handled one at a time to find the one. */
  static final int PROBE_STARTS = 3;

  private static final int COMPACT_BITS = 16_384;

  /** How far work may go on beyond the lowest unfinished offset; a note holds more. */
  private static final int MAX_AHEAD = 1_000_000;

  private static final int NOTE_BUDGET_CHARS = CommitNote.MAX_CHARS * 3 / 4;

  private final TopicPartition partition;

  /** Bit i: offset {@code origin + i} is finished. */
  private BitSet finished = new BitSet();

  private long origin;
  private boolean known;

  /** The lowest unfinished offset. */
  private long frontier;

  /** One past the highest offset that has come. */
  private long next;

  private int unfinished;
  private long committed = -1;
  private boolean beyondChanged;
  private long frontierSinceNanos;

  /** Where handling began, how often it had begun there before, and how far probing goes. */
  private long start = -1;

  private int priorStarts;
  private long probeEnd = -1;
  private boolean noted;

  PartitionLedger(TopicPartition partition, long nowNanos) {
    this.partition = partition;
    this.frontierSinceNanos = nowNanos;
  }

  TopicPartition partition() {
    return partition;
  }

  /**
   * Takes over what the predecessor left.
   *
   * @param position where reading begins
   * @param note of the commit at that offset
   * @param probeSpan how far to look for a record that kills its process
   */
  synchronized void restore(long position, CommitNote note, int probeSpan) {
    knownFrom(position);
    start = position;
    priorStarts = note.starts();
    finished = (BitSet) note.finished().clone();
    committed = position;
    if (priorStarts >= PROBE_STARTS) {
      probeEnd = position + probeSpan;
    }
  }

  /** Nothing was ever committed: reading begins here. */
  synchronized void begin(long position) {
    knownFrom(position);
  }

  private void knownFrom(long offset) {
    origin = offset;
    frontier = offset;
    next = offset;
    known = true;
  }

  /** Notes that a record has come; false if it is finished already and must not be handled. */
  synchronized boolean accepted(long offset) {
    if (!known) {
      knownFrom(offset);
    }
    if (offset < next) {
      return false;
    }
    if (offset > next && unfinished == 0 && finished.length() <= bit(next)) {
      // Nothing to remember: however far it jumps, no room is needed.
      knownFrom(offset);
      finished.clear();
    } else if (offset > next) {
      finished.set(bit(next), bit(offset));
    }
    next = offset + 1;
    boolean news = !finished.get(bit(offset));
    unfinished += news ? 1 : 0;
    advance();
    return news;
  }

  synchronized void finished(long offset) {
    if (offset < frontier || offset >= next || finished.get(bit(offset))) {
      return;
    }
    finished.set(bit(offset));
    unfinished--;
    beyondChanged = true;
    advance();
  }

  /** Nothing is under way and the consumer is past offsets that hold no records. */
  synchronized void nothingUpTo(long position) {
    if (known && unfinished == 0 && position > next) {
      finished.set(bit(next), bit(position));
      next = position;
      advance();
    }
  }

  private int bit(long offset) {
    return Math.toIntExact(offset - origin);
  }

  private void advance() {
    frontier = origin + finished.nextClearBit(bit(frontier));
    // What the predecessor had finished beyond may reach past what has come again.
    next = Math.max(next, frontier);
    if (frontier - origin > COMPACT_BITS) {
      finished = finished.get(bit(frontier), Math.max(bit(frontier), finished.length()));
      origin = frontier;
    }
  }

  /** The offset from which a successor must read; -1 if nothing is known yet. */
  synchronized long frontier() {
    return known ? frontier : -1;
  }

  synchronized boolean isIdle() {
    return unfinished == 0;
  }

  /** How often handling of this offset had begun before in vain, as far as that is known. */
  synchronized int priorStarts(long offset) {
    return offset == start ? priorStarts : 0;
  }

  /** Whether records are handed over one at a time, since one of them may kill its process. */
  synchronized boolean isProbing() {
    return frontier < probeEnd;
  }

  /** Whether the start of this assignment's work has still to be noted at the broker. */
  synchronized boolean isStartToBeNoted() {
    return !noted;
  }

  /** What to commit before the first record is handled: one start more. */
  synchronized OffsetAndMetadata startNote() {
    noted = true;
    int starts = (frontier == start ? priorStarts : 0) + 1;
    return commit(starts);
  }

  /** Whether there is something to commit. */
  synchronized boolean isDirty() {
    return known && (frontier > committed || beyondChanged);
  }

  /** What to commit while work goes on. */
  synchronized OffsetAndMetadata progress() {
    int starts = frontier == start ? priorStarts + 1 : 1;
    return commit(isIdle() ? 0 : starts);
  }

  /** What to commit when this assignment ends in good order: what is unfinished is not counted. */
  synchronized OffsetAndMetadata farewell() {
    return commit(frontier == start ? priorStarts : 0);
  }

  private OffsetAndMetadata commit(int starts) {
    beyondChanged = false;
    return new OffsetAndMetadata(frontier, note(starts).encode(frontier));
  }

  private CommitNote note(int starts) {
    int from = bit(frontier);
    return new CommitNote(starts, finished.get(from, Math.max(from, finished.length())));
  }

  synchronized void committed(long offset, long nowNanos) {
    if (offset > committed) {
      committed = offset;
      frontierSinceNanos = nowNanos;
    }
  }

  /** A commit did not get through: the next one has to say it again. */
  synchronized void notCommitted() {
    beyondChanged = true;
  }

  /** For how long the frontier has not moved although something is unfinished. */
  synchronized long standsForNanos(long nowNanos) {
    if (unfinished == 0 || frontier > committed) {
      frontierSinceNanos = nowNanos;
    }
    return nowNanos - frontierSinceNanos;
  }

  /** Whether the note grows too long to hold more finished offsets. */
  synchronized boolean isNoteNearlyFull() {
    if (next - frontier > MAX_AHEAD) {
      return true;
    }
    int gaps = 0;
    int at = bit(frontier);
    int limit = NOTE_BUDGET_CHARS / 6;
    while (gaps < limit) {
      at = finished.nextSetBit(at);
      if (at < 0) {
        return false;
      }
      at = finished.nextClearBit(at);
      gaps++;
    }
    return note(0).encode(frontier).length() > NOTE_BUDGET_CHARS;
  }

  @Override
  public synchronized String toString() {
    return partition
        + " frontier "
        + frontier
        + ", next "
        + next
        + ", unfinished "
        + unfinished
        + ", committed "
        + committed
        + (isProbing() ? ", probing up to " + probeEnd : "");
  }
}
