package io.commslib.outbox;

import java.util.List;

/**
 * How much more a relay may hold: so many rows, so many bytes, and of one destination as much as is
 * still free, so that one that hangs always leaves room for the others. Confined to the relay's
 * thread.
 */
final class RelayLimits {

  private static final long MAX_BYTES_OF_HEAP = Runtime.getRuntime().maxMemory() / 4;

  private final OutboxConfig config;
  private final RelayWindow window;
  private final int maxRows;
  private long largestRow = 1;

  RelayLimits(OutboxConfig config, RelayWindow window, int maxRows) {
    this.config = config;
    this.window = window;
    this.maxRows = maxRows;
  }

  /** Learns how large rows are. */
  void learnSizes(List<OutboxRow> rows) {
    largestRow = Math.max(1, largestRow / 2);
    for (OutboxRow row : rows) {
      largestRow = Math.max(largestRow, row.bytes());
    }
  }

  /** Destinations that have their share. */
  List<String> saturated() {
    return window.destinationsWithAtLeast(destinationShare(0));
  }

  /**
   * Whether this row may be held besides. One that is larger than all may be held alone: no message
   * waits for ever.
   */
  boolean allows(OutboxRow row) {
    return (window.size() == 0 || window.bytes() + RelayWindow.bytes(row) <= maxBytes())
        && window.rows(row.destination()) < destinationShare(0);
  }

  /**
   * How many rows to look for: what one destination may not have is not worth reading.
   *
   * @param anyDestination whether none is left out, so that all may be of one
   * @param ahead rows that will be held besides
   * @return 0 or less if there is no room
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

  /** A power of two, or all: so that there are few different statements. */
  int fetchLimit(int room, List<OutboxRow> ahead) {
    int affordable = (int) Math.max(1, Math.min(room, bytesLeft(ahead) / largestRow));
    return affordable == config.batchSize() ? affordable : Integer.highestOneBit(affordable);
  }

  /** As configured, and never more than a quarter of the heap. */
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
