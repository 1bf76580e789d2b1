package io.commslib.outbox;

import java.time.Duration;

/**
 * When to look. The first message after a pause goes at once; when many come, in small batches, a
 * wait of six milliseconds makes the next one larger. Confined to the relay's thread.
 */
final class RelayPacing {

  private static final long LINGER_NANOS = Duration.ofMillis(6).toNanos();
  private static final long RATE_INTERVAL_NANOS = Duration.ofMillis(50).toNanos();
  private static final long CAPACITY_WAIT_NANOS = Duration.ofMillis(5).toNanos();
  private static final int BUSY_ROWS_PER_SECOND = 2_000;
  private static final int SMALL_FETCH_ROWS = 64;

  private long intervalStart;
  private long rowsInInterval;
  private boolean busy;
  private boolean lastFetchSmall;
  private long lastFetch;
  private long nextPastSaturated;
  private boolean fetchedPastSaturated;

  /** Whether there is room enough for a look. */
  static boolean isEnoughCapacity(int room, OutboxConfig config) {
    return room > 0 && room >= config.batchSize() / 4;
  }

  /** Whether there is room enough for a look, or some and the last one is long ago. */
  boolean isWorthFetching(int room, OutboxConfig config, long nowNanos) {
    return isEnoughCapacity(room, config)
        || (room > 0 && nowNanos - lastFetch >= CAPACITY_WAIT_NANOS);
  }

  /** Whether to look for rows besides those of a destination that has its share already. */
  boolean mayFetchPastSaturated(long nowNanos) {
    return !fetchedPastSaturated || nowNanos - nextPastSaturated >= 0;
  }

  /** Such a look passes over all rows of that destination: it may take a tenth of the time. */
  void fetchedPastSaturated(long startNanos, long endNanos) {
    fetchedPastSaturated = true;
    nextPastSaturated = endNanos + Math.max(CAPACITY_WAIT_NANOS, 10 * (endNanos - startNanos));
  }

  /** A look took so many rows. */
  void fetched(int rows, int limit, long nowNanos) {
    lastFetch = nowNanos;
    lastFetchSmall = rows < Math.min(SMALL_FETCH_ROWS, limit);
    rowsInInterval += rows;
    long elapsed = nowNanos - intervalStart;
    if (elapsed >= RATE_INTERVAL_NANOS) {
      busy = rowsInInterval * 1_000_000_000L / elapsed >= BUSY_ROWS_PER_SECOND;
      intervalStart = nowNanos;
      rowsInInterval = 0;
    }
  }

  /** Whether so many come that a few milliseconds' wait spares many statements. */
  boolean isBusy() {
    return busy;
  }

  /** How long to let rows gather before the next look. */
  long lingerNanos(long nowNanos) {
    return busy && lastFetchSmall ? LINGER_NANOS - (nowNanos - lastFetch) : 0;
  }
}
