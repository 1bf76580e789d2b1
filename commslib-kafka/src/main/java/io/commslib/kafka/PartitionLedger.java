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
 * <p>An offset between two records that were accepted one after the other holds no record: it was
 * compacted away, or is a marker of a transaction. It counts as finished. So the caller must accept
 * the records of a partition without leaving one out; after a failure it starts the partition again
 * with {@link #successor}.
 */
final class PartitionLedger {

  /** From so many fruitless starts on, records are handled one at a time to find the one. */
  static final int PROBE_STARTS = 3;

  private static final int COMPACT_BITS = 16_384;

  /** How far work may go on beyond the lowest unfinished offset; a note holds more. */
  private static final int MAX_AHEAD = 1_000_000;

  /** The farthest jump over offsets without records for which room is made: 2 MiB of bits. */
  private static final long MAX_SPAN = 16L * 1024 * 1024;

  private static final int NOTE_BUDGET_CHARS = CommitMetadata.MAX_CHARS * 3 / 4;

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
  private long frontierSinceNanos;

  /** The number of the last change that a commit has to report. */
  private long change;

  /** The last change of which a commit is under way, and of which one is confirmed. */
  private long sentChange;

  private long confirmedChange;

  /** Whether this assignment has sent a commit. */
  private boolean hasSent;

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
  synchronized void restore(long position, CommitMetadata note, int probeSpan) {
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

  /**
   * Returns a ledger for reading again in the same assignment, from the frontier or from {@code
   * limit} if that is lower. It knows what is finished here below the limit; all else is accepted
   * again. No handler may run for this ledger any more.
   */
  synchronized PartitionLedger successor(long limit, long nowNanos) {
    requireKnown();
    PartitionLedger successor = new PartitionLedger(partition, nowNanos);
    long begin = Math.min(frontier, limit);
    successor.knownFrom(begin);
    if (begin == frontier) {
      int from = bit(frontier);
      long to = Math.min(limit, origin + finished.length());
      successor.finished = finished.get(from, Math.max(from, bit(to)));
    }
    successor.committed = Math.min(committed, begin);
    // All of it is said again.
    successor.change = 1;
    successor.hasSent = hasSent;
    successor.start = start;
    successor.priorStarts = priorStarts;
    successor.probeEnd = probeEnd;
    successor.noted = noted;
    return successor;
  }

  private void knownFrom(long offset) {
    origin = offset;
    frontier = offset;
    next = offset;
    known = true;
  }

  /** Whether there is room for a record so far beyond the frontier. */
  synchronized boolean hasRoomFor(long offset) {
    return unfinished == 0 || offset - origin <= MAX_SPAN;
  }

  /** Notes that a record has come; false if it is finished already and must not be handled. */
  synchronized boolean accepted(long offset) {
    requireKnown();
    if (offset < next) {
      return false;
    }
    if (unfinished == 0 && offset > next && offset - origin >= finished.length()) {
      // Nothing to remember: however far it jumps, no room is needed.
      finished.clear();
      knownFrom(offset);
      change++;
    } else if (offset > next) {
      finished.set(bit(next), bit(offset));
    }
    next = offset + 1;
    boolean news = !finished.get(bit(offset));
    unfinished += news ? 1 : 0;
    advance();
    return news;
  }

  private void requireKnown() {
    if (!known) {
      throw new IllegalStateException("it is not known where reading of " + partition + " begins");
    }
  }

  synchronized void finished(long offset) {
    if (offset < frontier || offset >= next || finished.get(bit(offset))) {
      return;
    }
    finished.set(bit(offset));
    unfinished--;
    change++;
    advance();
  }

  /**
   * Nothing is under way and the consumer is past offsets that hold no records. Only to be called
   * with the position of a consumer whose records were all accepted.
   */
  synchronized void nothingUpTo(long position) {
    if (known && unfinished == 0 && position > next) {
      if (position - origin >= finished.length()) {
        finished.clear();
        knownFrom(position);
      } else {
        finished.set(bit(next), bit(position));
        next = position;
        advance();
      }
      change++;
    }
  }

  private int bit(long offset) {
    return Math.toIntExact(offset - origin);
  }

  private void advance() {
    long before = frontier;
    frontier = origin + finished.nextClearBit(bit(frontier));
    change += frontier > before ? 1 : 0;
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

  /** One past the highest offset that has come: what the consumer has to return next. */
  synchronized long next() {
    requireKnown();
    return next;
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
  synchronized LedgerCommit startNote() {
    noted = true;
    int starts = (frontier == start ? priorStarts : 0) + 1;
    return commit(starts);
  }

  /** What to commit so that a successor begins where this assignment began, at the least. */
  synchronized LedgerCommit base() {
    change++;
    return commit(0);
  }

  /** Whether there is something to commit of which no commit is under way. */
  synchronized boolean isDirty() {
    return known && change != sentChange;
  }

  /** Whether the broker has not confirmed all there is to commit. */
  synchronized boolean isUnconfirmed() {
    return known && change != confirmedChange;
  }

  /** Whether the commit that ends this assignment would say anything new. */
  synchronized boolean hasFarewell() {
    return known && (hasSent || change != confirmedChange);
  }

  /** What to commit while work goes on. */
  synchronized LedgerCommit progress() {
    int starts = frontier == start ? priorStarts + 1 : 1;
    return commit(isIdle() ? 0 : starts);
  }

  /** What to commit when this assignment ends in good order: what is unfinished is not counted. */
  synchronized LedgerCommit farewell() {
    return commit(frontier == start ? priorStarts : 0);
  }

  private LedgerCommit commit(int starts) {
    requireKnown();
    OffsetAndMetadata offset = new OffsetAndMetadata(frontier, note(starts).encode(frontier));
    sentChange = change;
    hasSent = true;
    return new LedgerCommit(this, offset, change);
  }

  private CommitMetadata note(int starts) {
    int from = bit(frontier);
    return new CommitMetadata(starts, finished.get(from, Math.max(from, finished.length())));
  }

  synchronized void confirmed(LedgerCommit commit, long nowNanos) {
    confirmedChange = Math.max(confirmedChange, commit.change());
    if (commit.offset().offset() > committed) {
      committed = commit.offset().offset();
      frontierSinceNanos = nowNanos;
    }
  }

  /** A commit did not get through, as far as is known: a later one has to say the same. */
  synchronized void notConfirmed() {
    change++;
    sentChange = confirmedChange;
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
