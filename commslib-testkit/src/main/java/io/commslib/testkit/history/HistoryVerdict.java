package io.commslib.testkit.history;

import java.util.List;

/** The verdict of {@link HistoryOracle}. Immutable. */
public final class HistoryVerdict {

  final long[] counts = new long[Counter.values().length];
  private final List<String> findings;

  /** The counters of a verdict. */
  public enum Counter {
    /** Messages that a producer began to publish or commit. */
    ATTEMPTED,
    /** Messages confirmed by the broker or committed to an outbox. */
    ACKNOWLEDGED,
    /** Messages whose result no producer knows: they may appear or not. */
    UNKNOWN,
    /** Messages with at least one effect, over all consumers. */
    SEEN,
    /** Deliveries beyond the first per consumer and message; allowed. */
    REDELIVERED,
    /** Messages parked and not effected later; allowed. */
    PARKED,
    /** Acknowledged, but neither effected nor parked; per consumer. */
    LOST,
    /** Effects of messages that were never attempted, failed, or had another key or number. */
    UNEXPECTED,
    /** Effects beyond the first per consumer and message. */
    DUPLICATE_EFFECTS,
    /** First effects of a lower number after a higher one of the same consumer, writer and key. */
    REORDERED,
    /** Pauses of a consumer longer than allowed while it had messages delivered and unfinished. */
    STUCK
  }

  HistoryVerdict(long[] counts, List<String> findings) {
    System.arraycopy(counts, 0, this.counts, 0, counts.length);
    this.findings = List.copyOf(findings);
  }

  /**
   * Returns one counter.
   *
   * @param counter the counter
   * @return 0 or more
   */
  public long count(Counter counter) {
    return counts[counter.ordinal()];
  }

  /**
   * Returns whether nothing was lost, unexpected, doubled, reordered or stuck.
   *
   * @return true if nothing was found
   */
  public boolean isClean() {
    for (Counter counter : Counter.values()) {
      if (counter.compareTo(Counter.LOST) >= 0 && count(counter) > 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the findings, one line each.
   *
   * @return the first 100
   */
  public List<String> findings() {
    return findings;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("HistoryVerdict{");
    for (Counter counter : Counter.values()) {
      text.append(counter).append('=').append(count(counter)).append(", ");
    }
    return text.append("findings=").append(findings).append('}').toString();
  }
}
