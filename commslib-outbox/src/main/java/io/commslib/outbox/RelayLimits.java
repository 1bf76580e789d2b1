package io.commslib.outbox;

import java.util.List;

/**
 * Bounds the rows in memory: in number, in bytes, and per destination. One destination may have at
 * most as many rows as are still free, so a destination that hangs always leaves capacity for the
 * others. Confined to the relay's thread.
 */
final class RelayLimits {

  // Tuning. OutboxConfig bounds both values further down, never up.

  /** The part of the heap that rows in memory may take. */
  private static final long MAX_BYTES_OF_HEAP = Runtime.getRuntime().maxMemory() / 4;

  /** The number of rows in memory where each fetch reads past all of them: not on PostgreSQL. */
  private static final int MAX_ROWS_READ_PAST = 4_000;

  private final OutboxConfig config;
  private final RelayWindow window;
  private final int maxRows;
  private long largestRow = 1;

  /**
   * Creates limits.
   *
   * @param hasCursors whether fetches begin behind the rows in memory
   */
  RelayLimits(OutboxConfig config, RelayWindow window, boolean hasCursors) {
    this.config = config;
    this.window = window;
    this.maxRows =
        hasCursors
            ? config.maxUnconfirmed()
            : Math.min(MAX_ROWS_READ_PAST, config.maxUnconfirmed());
  }

  /** Learns the size of rows, to estimate how many of them fit. */
  void learnSizes(List<OutboxRow> rows) {
    largestRow = Math.max(1, largestRow / 2);
    for (OutboxRow row : rows) {
      largestRow = Math.max(largestRow, row.bytes());
    }
  }

  /** The destinations that have their share of the rows. */
  List<String> saturated() {
    return window.destinationsWithAtLeast(destinationShare(0));
  }

  /** The destinations whose share leaves no capacity for two more batches. */
  List<String> nearlySaturated() {
    return window.destinationsWithAtLeast(
        Math.max(1, destinationShare(0) - 2 * config.batchSize()));
  }

  /**
   * Whether this row may be added. A row larger than the limit may be in memory alone, so that no
   * message waits forever.
   */
  boolean allows(OutboxRow row) {
    return (window.size() == 0 || window.bytes() + RelayWindow.bytes(row) <= maxBytes())
        && window.rows(row.destination()) < destinationShare(0);
  }

  /**
   * The number of rows to fetch: reading more than one destination may have is not worth it.
   *
   * @param anyDestination whether no destination is left out, so that all rows may be of one
   * @param ahead rows that will be added first
   * @return 0 or less if there is no capacity
   */
  int capacity(boolean anyDestination, List<OutboxRow> ahead) {
    if (bytesLeft(ahead) <= 0) {
      return 0;
    }
    int more = ahead.size();
    int all = Math.min(config.batchSize(), maxRows - window.size() - more);
    int half = (destinationShare(more) - window.maxOfOneDestination() - more) / 2;
    int ofOne = ahead.isEmpty() ? Math.max(1, half) : half;
    return anyDestination ? Math.min(all, ofOne) : all;
  }

  /**
   * The limit of a fetch: a power of two or a batch, so that there are few different statements.
   */
  int fetchLimit(int capacity, List<OutboxRow> ahead) {
    int affordable = (int) Math.max(1, Math.min(capacity, bytesLeft(ahead) / largestRow));
    return affordable == config.batchSize() ? affordable : Integer.highestOneBit(affordable);
  }

  private long maxBytes() {
    return Math.min(config.maxUnconfirmedBytes(), MAX_BYTES_OF_HEAP);
  }

  private int destinationShare(int more) {
    return Math.max(1, maxRows - window.size() - more);
  }

  private long bytesLeft(List<OutboxRow> ahead) {
    long left = maxBytes() - window.bytes();
    for (OutboxRow row : ahead) {
      left -= RelayWindow.bytes(row);
    }
    return left;
  }
}
