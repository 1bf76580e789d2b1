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
  static final int SUSPECT_AFTER_STARTS = 3;

  private static final int COMPACT_BITS = 16_384;

  /** How far work may go on beyond the lowest unfinished offset; a note holds more. */
  private static final int MAX_OFFSETS_AHEAD = 1_000_000;

  /** The farthest jump over offsets without records for which room is made: 2 MiB of bits. */
  private static final long MAX_TRACKED_OFFSETS = 16L * 1024 * 1024;

  private static final int METADATA_BUDGET_CHARS = CommitMetadata.MAX_CHARS * 3 / 4;

  private final TopicPartition partition;

  /** Bit i: offset {@code origin + i} is finished. */
  private BitSet finished = new BitSet();

  private long origin;
  private boolean positioned;

  /** The lowest unfinished offset. */
  private long frontier;

  /** One past the highest offset that has come. */
  private long nextOffset;

  private int unfinished;
  private long committed = -1;
  private long frontierSinceNanos;

  /** The number of the last change that a commit has to report. */
  private long revision;

  /** The last change of which a commit is under way, and of which one is confirmed. */
  private long sentRevision;

  private long confirmedRevision;

  /** Whether this assignment has sent a commit. */
  private boolean hasSent;

  /** Where handling began, how often it had begun there before, and how far probing goes. */
  private long startOffset = -1;

  private int priorStarts;
  private long suspectEnd = -1;
  private boolean startRecorded;

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
    positionAt(position);
    startOffset = position;
    priorStarts = note.starts();
    finished = (BitSet) note.finished().clone();
    committed = position;
    if (priorStarts >= SUSPECT_AFTER_STARTS) {
      suspectEnd = position + probeSpan;
    }
  }

  /** Nothing was ever committed: reading begins here. */
  synchronized void begin(long position) {
    positionAt(position);
  }

  /**
   * Returns a ledger for reading again in the same assignment, from the frontier or from {@code
   * limit} if that is lower. It knows what is finished here below the limit; all else is accepted
   * again. No handler may run for this ledger any more.
   */
  synchronized PartitionLedger successor(long limit, long nowNanos) {
    requirePositioned();
    PartitionLedger successor = new PartitionLedger(partition, nowNanos);
    long begin = Math.min(frontier, limit);
    successor.positionAt(begin);
    if (begin == frontier) {
      int from = bit(frontier);
      long to = Math.min(limit, origin + finished.length());
      successor.finished = finished.get(from, Math.max(from, bit(to)));
    }
    successor.committed = Math.min(committed, begin);
    // All of it is said again.
    successor.revision = 1;
    successor.hasSent = hasSent;
    successor.startOffset = startOffset;
    successor.priorStarts = priorStarts;
    successor.suspectEnd = suspectEnd;
    successor.startRecorded = startRecorded;
    return successor;
  }

  private void positionAt(long offset) {
    origin = offset;
    frontier = offset;
    nextOffset = offset;
    positioned = true;
  }

  /** Whether there is room for a record so far beyond the frontier. */
  synchronized boolean canTrack(long offset) {
    return unfinished == 0 || offset - origin <= MAX_TRACKED_OFFSETS;
  }

  /** Notes that a record has come; false if it is finished already and must not be handled. */
  synchronized boolean accepted(long offset) {
    requirePositioned();
    if (offset < nextOffset) {
      return false;
    }
    if (unfinished == 0 && offset > nextOffset && offset - origin >= finished.length()) {
      // Nothing to remember: however far it jumps, no room is needed.
      finished.clear();
      positionAt(offset);
      revision++;
    } else if (offset > nextOffset) {
      finished.set(bit(nextOffset), bit(offset));
    }
    nextOffset = offset + 1;
    boolean news = !finished.get(bit(offset));
    unfinished += news ? 1 : 0;
    advance();
    return news;
  }

  private void requirePositioned() {
    if (!positioned) {
      throw new IllegalStateException("it is not known where reading of " + partition + " begins");
    }
  }

  synchronized void finished(long offset) {
    if (offset < frontier || offset >= nextOffset || finished.get(bit(offset))) {
      return;
    }
    finished.set(bit(offset));
    unfinished--;
    revision++;
    advance();
  }

  /**
   * Nothing is under way and the consumer is past offsets that hold no records. Only to be called
   * with the position of a consumer whose records were all accepted.
   */
  synchronized void advanceTo(long position) {
    if (positioned && unfinished == 0 && position > nextOffset) {
      if (position - origin >= finished.length()) {
        finished.clear();
        positionAt(position);
      } else {
        finished.set(bit(nextOffset), bit(position));
        nextOffset = position;
        advance();
      }
      revision++;
    }
  }

  private int bit(long offset) {
    return Math.toIntExact(offset - origin);
  }

  private void advance() {
    long before = frontier;
    frontier = origin + finished.nextClearBit(bit(frontier));
    revision += frontier > before ? 1 : 0;
    // What the predecessor had finished beyond may reach past what has come again.
    nextOffset = Math.max(nextOffset, frontier);
    if (frontier - origin > COMPACT_BITS) {
      finished = finished.get(bit(frontier), Math.max(bit(frontier), finished.length()));
      origin = frontier;
    }
  }

  /** The offset from which a successor must read; -1 if nothing is known yet. */
  synchronized long frontier() {
    return positioned ? frontier : -1;
  }

  /** One past the highest offset that has come: what the consumer has to return next. */
  synchronized long nextOffset() {
    requirePositioned();
    return nextOffset;
  }

  synchronized boolean isIdle() {
    return unfinished == 0;
  }

  /** How often handling of this offset had begun before in vain, as far as that is known. */
  synchronized int priorStarts(long offset) {
    return offset == startOffset ? priorStarts : 0;
  }

  /** Whether records are handed over one at a time, since one of them may kill its process. */
  synchronized boolean isSuspect() {
    return frontier < suspectEnd;
  }

  /** Whether the start of this assignment's work has still to be noted at the broker. */
  synchronized boolean isStartUnrecorded() {
    return !startRecorded;
  }

  /** What to commit before the first record is handled: one start more. */
  synchronized LedgerCommit startCommit() {
    startRecorded = true;
    int starts = (frontier == startOffset ? priorStarts : 0) + 1;
    return commit(starts);
  }

  /** What to commit so that a successor begins where this assignment began, at the least. */
  synchronized LedgerCommit initialCommit() {
    revision++;
    return commit(0);
  }

  /** Whether there is something to commit of which no commit is under way. */
  synchronized boolean isDirty() {
    return positioned && revision != sentRevision;
  }

  /** Whether the broker has not confirmed all there is to commit. */
  synchronized boolean isUnconfirmed() {
    return positioned && revision != confirmedRevision;
  }

  /** Whether the commit that ends this assignment would say anything new. */
  synchronized boolean hasFinalCommit() {
    return positioned && (hasSent || revision != confirmedRevision);
  }

  /** What to commit while work goes on. */
  synchronized LedgerCommit progressCommit() {
    int starts = frontier == startOffset ? priorStarts + 1 : 1;
    return commit(isIdle() ? 0 : starts);
  }

  /** What to commit when this assignment ends in good order: what is unfinished is not counted. */
  synchronized LedgerCommit finalCommit() {
    return commit(frontier == startOffset ? priorStarts : 0);
  }

  private LedgerCommit commit(int starts) {
    requirePositioned();
    OffsetAndMetadata offset = new OffsetAndMetadata(frontier, metadata(starts).encode(frontier));
    sentRevision = revision;
    hasSent = true;
    return new LedgerCommit(this, offset, revision);
  }

  private CommitMetadata metadata(int starts) {
    int from = bit(frontier);
    return new CommitMetadata(starts, finished.get(from, Math.max(from, finished.length())));
  }

  synchronized void confirmed(LedgerCommit commit, long nowNanos) {
    confirmedRevision = Math.max(confirmedRevision, commit.revision());
    if (commit.offset().offset() > committed) {
      committed = commit.offset().offset();
      frontierSinceNanos = nowNanos;
    }
  }

  /** A commit did not get through, as far as is known: a later one has to say the same. */
  synchronized void notConfirmed() {
    revision++;
    sentRevision = confirmedRevision;
  }

  /** For how long the frontier has not moved although something is unfinished. */
  synchronized long stalledForNanos(long nowNanos) {
    if (unfinished == 0 || frontier > committed) {
      frontierSinceNanos = nowNanos;
    }
    return nowNanos - frontierSinceNanos;
  }

  /** Whether the note grows too long to hold more finished offsets. */
  synchronized boolean isMetadataNearlyFull() {
    if (nextOffset - frontier > MAX_OFFSETS_AHEAD) {
      return true;
    }
    int gaps = 0;
    int at = bit(frontier);
    int limit = METADATA_BUDGET_CHARS / 6;
    while (gaps < limit) {
      at = finished.nextSetBit(at);
      if (at < 0) {
        return false;
      }
      at = finished.nextClearBit(at);
      gaps++;
    }
    return metadata(0).encode(frontier).length() > METADATA_BUDGET_CHARS;
  }

  @Override
  public synchronized String toString() {
    return partition
        + " frontier "
        + frontier
        + ", next "
        + nextOffset
        + ", unfinished "
        + unfinished
        + ", committed "
        + committed
        + (isSuspect() ? ", probing up to " + suspectEnd : "");
  }
}
