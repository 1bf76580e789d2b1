package io.commslib.outbox;

import java.util.List;

/**
 * Bounds the bytes that one fetch brings into memory. A fetch reads the bodies of small messages
 * along with the rows. Of larger messages it reads the size only, and their bodies are fetched
 * afterwards, a few at a time. A fetch that fails halves the budget of the next, and one that
 * succeeds doubles it again. Confined to the relay's thread.
 */
final class RelayFetchBudget {

  /** The maximum number of bytes of one fetch while no fetch fails. */
  static final long MAX_BYTES = Math.min(16L << 20, Runtime.getRuntime().maxMemory() / 32);

  private static final int MAX_HALVINGS = 20;
  private static final long MIN_INLINE_BYTES = 1_024;

  private final long maxBytes;
  private int halvings;

  RelayFetchBudget() {
    this(MAX_BYTES);
  }

  RelayFetchBudget(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** A fetch has failed, because memory was short or the database failed. */
  void failed() {
    halvings = Math.min(halvings + 1, MAX_HALVINGS);
  }

  void succeeded() {
    halvings = Math.max(0, halvings - 1);
  }

  /**
   * The maximum size of a body that a fetch of this many rows includes. It is a power of two, so
   * that there are few different statements.
   */
  long maxInlineBytes(int rows) {
    return Math.max(
        MIN_INLINE_BYTES, Long.highestOneBit((maxBytes >> halvings) / Math.max(1, rows)));
  }

  /** The maximum number of rows of a fetch. */
  int maxRows(int wanted) {
    return Math.max(1, wanted >> halvings);
  }

  /** The number of rows, from this index, whose bodies one fetch should read; at least 1. */
  int bodiesPerFetch(List<OutboxRow> rows, int from) {
    long bytes = 0;
    int next = from;
    while (next < rows.size()) {
      bytes += rows.get(next).bytes();
      if (next > from && bytes > maxBytes >> (halvings + 1)) {
        break;
      }
      next++;
    }
    return next - from;
  }
}
