package io.commslib.outbox;

import java.util.List;

/**
 * How much one fetch may bring into memory. A look brings the bodies of small messages at once, as
 * many bytes as this allows if every one is as large as may be; of the others the database tells
 * the size, and their bodies are fetched afterwards, a few at a time. A fetch that fails halves the
 * next, one that succeeds doubles it again. Confined to the relay's thread.
 */
final class RelayFetchBudget {

  /** The number of bytes of one fetch at most, as long as none fails. */
  static final long MAX_BYTES = Math.min(16L << 20, Runtime.getRuntime().maxMemory() / 32);

  private static final int MAX_HALVINGS = 20;
  private static final long MIN_INLINE_BYTES = 1_024;

  private final long maxBytes;
  private int halvings;

  RelayFetchBudget() {
    this(MAX_BYTES);
  }

  RelayFetchBudget(long most) {
    this.maxBytes = most;
  }

  /** A fetch has failed, for want of memory or since the database failed. */
  void failed() {
    halvings = Math.min(halvings + 1, MAX_HALVINGS);
  }

  void succeeded() {
    halvings = Math.max(0, halvings - 1);
  }

  /**
   * Up to which size a look of so many rows brings a message's body: a power of two, so that there
   * are few different statements.
   */
  long maxInlineBytes(int rows) {
    return Math.max(
        MIN_INLINE_BYTES, Long.highestOneBit((maxBytes >> halvings) / Math.max(1, rows)));
  }

  /** How many rows a look may ask for at most. */
  int maxRows(int wanted) {
    return Math.max(1, wanted >> halvings);
  }

  /** How many of these rows to fetch the bodies of at once, from one on; at least that one. */
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
