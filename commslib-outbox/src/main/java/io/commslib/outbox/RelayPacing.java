package io.commslib.outbox;

import java.time.Duration;

/**
 * When to look. The first message after a pause goes at once; when many come, in small batches, a
 * wait of six milliseconds makes the next one larger. Confined to the relay's thread.
 */
final class RelayPacing {

  private static final long LINGER_NANOS = Duration.ofMillis(6).toNanos();
  private static final long WINDOW_NANOS = Duration.ofMillis(50).toNanos();
  private static final long FOR_ROOM_NANOS = Duration.ofMillis(5).toNanos();
  private static final int FROM_PER_SECOND = 2_000;
  private static final int SMALL = 64;

  private long windowBegan;
  private long inWindow;
  private boolean busy;
  private boolean small;
  private long lastRead;
  private long nextForOthers;
  private boolean lookedForOthers;

  /** Whether there is room enough for a look. */
  static boolean isEnough(int room, OutboxConfig config) {
    return room > 0 && room >= config.batchSize() / 4;
  }

  /** Whether there is room enough for a look, or some and the last one is long ago. */
  boolean isWorth(int room, OutboxConfig config, long nowNanos) {
    return isEnough(room, config) || (room > 0 && nowNanos - lastRead >= FOR_ROOM_NANOS);
  }

  /** Whether to look for rows besides those of a destination that has its share already. */
  boolean isTimeForOthers(long nowNanos) {
    return !lookedForOthers || nowNanos - nextForOthers >= 0;
  }

  /** Such a look passes over all rows of that destination: it may take a tenth of the time. */
  void lookedForOthers(long startNanos, long endNanos) {
    lookedForOthers = true;
    nextForOthers = endNanos + Math.max(FOR_ROOM_NANOS, 10 * (endNanos - startNanos));
  }

  /** A look took so many rows. */
  void read(int rows, int limit, long nowNanos) {
    lastRead = nowNanos;
    small = rows < Math.min(SMALL, limit);
    inWindow += rows;
    long elapsed = nowNanos - windowBegan;
    if (elapsed >= WINDOW_NANOS) {
      busy = inWindow * 1_000_000_000L / elapsed >= FROM_PER_SECOND;
      windowBegan = nowNanos;
      inWindow = 0;
    }
  }

  /** Whether so many come that a few milliseconds' wait spares many statements. */
  boolean isBusy() {
    return busy;
  }

  /** How long to let rows gather before the next look. */
  long linger(long nowNanos) {
    return busy && small ? LINGER_NANOS - (nowNanos - lastRead) : 0;
  }
}
