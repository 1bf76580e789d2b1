package io.commslib.kafka;

import java.util.BitSet;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * The offsets of one partition during one assignment: which records were received, which are
 * finished, and what to commit. Handlers of one partition run in parallel and finish in any order,
 * while Kafka stores one committed offset per partition. The ledger turns the one into the other.
 *
 * <p><b>Offsets and gaps.</b> One bit per offset, counted from {@code origin}, states whether the
 * offset is finished. An offset between two records that were accepted in succession holds no
 * record: compaction has removed it, or it is the marker of a transaction. It counts as finished.
 * The poll thread must therefore accept the records of a partition without omitting one. {@link
 * OwnedPartition} knows whether the consumer's position allows that; after a failure the partition
 * is read again with a {@link #successor} in the same assignment. Gaps at the end of the log are
 * never returned as records. {@link #advanceTo} skips them once nothing is unfinished.
 *
 * <p><b>Commit frontier.</b> The frontier is the lowest unfinished offset, and it is what is
 * committed. A commit never covers an unfinished record. It counts only once the broker has
 * confirmed it: every change gives the ledger a new revision, a commit carries the revision that it
 * covers, and after a failed commit a later one repeats its content.
 *
 * <p><b>Metadata.</b> Offsets that are finished beyond the frontier are stored in the metadata of
 * the commit (see {@link CommitMetadata}), so that the next owner of the partition does not handle
 * them again. The broker bounds the metadata, to 4,096 bytes by default. The partition is therefore
 * paused while the metadata exceeds 3,000 characters, or while the last received offset is more
 * than 1,000,000 beyond the frontier.
 *
 * <p><b>Starts.</b> Kafka does not count deliveries. The metadata therefore also holds the number
 * of assignments that started to handle the frontier and did not finish it. The number is raised
 * and committed before the first record of an assignment is dispatched ({@link #startCommit}). If
 * the process dies, the raised number remains. If the assignment ends regularly, {@link
 * #finalCommit} takes it back. It is valid for the frontier only: when the frontier moves, it
 * begins again at one, or at zero if nothing is unfinished. From {@value #SUSPECT_AFTER_STARTS}
 * fruitless starts on the partition is suspect: one of its records may be a poison pill that kills
 * its process. {@link Intake} then isolates the records up to {@code suspectEnd}: it dispatches one
 * at a time and records the start of each, so that the number belongs to exactly one record. The
 * engine receives it as the number of prior deliveries, and dead-letters the record that exceeds
 * the limit of deliveries.
 *
 * <p><b>Rebalances and fencing.</b> Every assignment has a ledger of its own. When a partition is
 * revoked, its handlers get a bounded time to end, the frontier is committed, and the ledger is
 * dropped. When a partition is lost (the session expired or the member was fenced), the ledger is
 * dropped without commit, because the new owner may be ahead. A handler that completes later
 * completes in the dropped ledger and changes nothing. A commit of a member that no longer belongs
 * to the group is rejected by the broker, and the next rebalance callback decides what is still
 * owned. {@link PartitionAssignment} implements this.
 *
 * <p><b>Drain.</b> Draining stops the dispatch, waits for the running handlers, and then for a
 * commit that begins afterwards and is confirmed ({@link CommitWaiters}). During a rebalance the
 * client refuses commits, so the loop continues to poll and tries again in each pass. When the loop
 * ends, a last commit covers what is still owned.
 *
 * <p>Thread-safe: the poll thread accepts and commits, handlers finish on their own threads.
 */
final class PartitionLedger {

  /** The number of fruitless starts from which on the partition is suspect. */
  static final int SUSPECT_AFTER_STARTS = 3;

  private static final int COMPACT_BITS = 16_384;

  /** The largest distance of received offsets from the frontier; the metadata can hold more. */
  private static final int MAX_OFFSETS_AHEAD = 1_000_000;

  /** The largest number of offsets that the bits may span: 2 MiB. */
  private static final long MAX_TRACKED_OFFSETS = 16L * 1024 * 1024;

  private static final int METADATA_BUDGET_CHARS = CommitMetadata.MAX_CHARS * 3 / 4;

  private final TopicPartition partition;

  /** Bit i: offset {@code origin + i} is finished. */
  private BitSet finished = new BitSet();

  private long origin;
  private boolean positioned;

  /** The lowest unfinished offset. */
  private long frontier;

  /** One past the highest received offset. */
  private long nextOffset;

  private int unfinished;
  private long committed = -1;
  private long frontierSinceNanos;

  /** Raised by every change that a commit has to report. */
  private long revision;

  /** The revisions that the last sent and the last confirmed commit cover. */
  private long sentRevision;

  private long confirmedRevision;

  /** Whether this assignment has sent a commit. */
  private boolean hasSent;

  /** The frontier when the assignment began; -1 without an earlier commit. */
  private long startOffset = -1;

  /** The starts that earlier assignments recorded at {@code startOffset}. */
  private int priorStarts;

  /** One past the last suspect offset; -1 if the partition is not suspect. */
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
   * Continues from the commit of an earlier assignment.
   *
   * @param position the committed offset, at which reading begins
   * @param metadata of that commit
   * @param suspectSpan the number of offsets to isolate if the partition is suspect
   */
  synchronized void restore(long position, CommitMetadata metadata, int suspectSpan) {
    positionAt(position);
    startOffset = position;
    priorStarts = metadata.starts();
    finished = (BitSet) metadata.finished().clone();
    committed = position;
    if (priorStarts >= SUSPECT_AFTER_STARTS) {
      suspectEnd = position + suspectSpan;
    }
  }

  /** Begins without an earlier commit. */
  synchronized void begin(long position) {
    positionAt(position);
  }

  /**
   * Returns a ledger for reading the partition again in the same assignment, from the frontier or
   * from {@code limit} if that is lower. It keeps the finished offsets below the limit and accepts
   * all others again. No handler of this ledger may still run.
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
    // The next commit repeats everything.
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

  /** Whether the bits can span up to an offset so far beyond the frontier. */
  synchronized boolean canTrack(long offset) {
    return unfinished == 0 || offset - origin <= MAX_TRACKED_OFFSETS;
  }

  /** Records a received offset; returns false if it is finished already and must not be handled. */
  synchronized boolean accepted(long offset) {
    requirePositioned();
    if (offset < nextOffset) {
      return false;
    }
    if (unfinished == 0 && offset > nextOffset && offset - origin >= finished.length()) {
      // No earlier offset matters: a jump of any length needs no bits.
      finished.clear();
      positionAt(offset);
      revision++;
    } else if (offset > nextOffset) {
      finished.set(bit(nextOffset), bit(offset));
    }
    nextOffset = offset + 1;
    boolean isNew = !finished.get(bit(offset));
    unfinished += isNew ? 1 : 0;
    advance();
    return isNew;
  }

  private void requirePositioned() {
    if (!positioned) {
      throw new IllegalStateException("the start position of " + partition + " is not known");
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
   * Advances over offsets at the end that hold no records, if nothing is unfinished. Only to be
   * called with the position of a consumer whose returned records were all accepted.
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
    // Offsets that an earlier assignment finished may lie beyond those received in this one.
    nextOffset = Math.max(nextOffset, frontier);
    if (frontier - origin > COMPACT_BITS) {
      finished = finished.get(bit(frontier), Math.max(bit(frontier), finished.length()));
      origin = frontier;
    }
  }

  /** The lowest unfinished offset; -1 if the start position is not known yet. */
  synchronized long frontier() {
    return positioned ? frontier : -1;
  }

  /** One past the highest received offset: what the consumer has to return next. */
  synchronized long nextOffset() {
    requirePositioned();
    return nextOffset;
  }

  synchronized boolean isIdle() {
    return unfinished == 0;
  }

  /** The known number of earlier assignments that started this offset and did not finish it. */
  synchronized int priorStarts(long offset) {
    return offset == startOffset ? priorStarts : 0;
  }

  /** Whether records are dispatched one at a time, since one of them may kill its process. */
  synchronized boolean isSuspect() {
    return frontier < suspectEnd;
  }

  /** Whether the start of this assignment is not recorded at the broker yet. */
  synchronized boolean isStartUnrecorded() {
    return !startRecorded;
  }

  /** The commit before the first record is dispatched: one more start. */
  synchronized LedgerCommit startCommit() {
    startRecorded = true;
    int starts = (frontier == startOffset ? priorStarts : 0) + 1;
    return commit(starts);
  }

  /** The commit that makes the start position of a new group permanent. */
  synchronized LedgerCommit initialCommit() {
    revision++;
    return commit(0);
  }

  /** Whether there is a change that no sent commit covers. */
  synchronized boolean isDirty() {
    return positioned && revision != sentRevision;
  }

  /** Whether there is a change that no confirmed commit covers. */
  synchronized boolean isUnconfirmed() {
    return positioned && revision != confirmedRevision;
  }

  /** Whether the final commit of this assignment would change anything at the broker. */
  synchronized boolean hasFinalCommit() {
    return positioned && (hasSent || revision != confirmedRevision);
  }

  /** The commit while handlers run. */
  synchronized LedgerCommit progressCommit() {
    int starts = frontier == startOffset ? priorStarts + 1 : 1;
    return commit(isIdle() ? 0 : starts);
  }

  /** The commit when this assignment ends regularly: its own start is not counted. */
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

  /** A commit failed or its result is unknown: a later one has to repeat its content. */
  synchronized void notConfirmed() {
    revision++;
    sentRevision = confirmedRevision;
  }

  /** The time for which the frontier has not moved although a record is unfinished. */
  synchronized long stalledForNanos(long nowNanos) {
    if (unfinished == 0 || frontier > committed) {
      frontierSinceNanos = nowNanos;
    }
    return nowNanos - frontierSinceNanos;
  }

  /** Whether the metadata has little capacity left for more finished offsets. */
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
        + (isSuspect() ? ", suspect up to " + suspectEnd : "");
  }
}
