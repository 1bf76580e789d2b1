package io.commslib.outbox;

import java.time.Duration;

/**
 * Bounds how long the relay publishes without turning to anything else. A transport may make each
 * publish wait. Without a bound, results and leases would have to wait for a whole batch. Confined
 * to the relay's thread.
 */
final class RelayTimeSlice {

  private static final long MAX_NANOS = Duration.ofSeconds(1).toNanos();

  private long began;
  private long lastPublish;

  void begin(long nowNanos) {
    began = nowNanos;
    lastPublish = nowNanos;
  }

  /** A publish begins. */
  void publishing(long nowNanos) {
    lastPublish = nowNanos;
  }

  /**
   * Whether the last publish began so late that no other one should follow in this slice. Reads no
   * clock: slow work between publishes does not end a slice, slow publishes do.
   */
  boolean isOver() {
    return lastPublish - began > MAX_NANOS;
  }
}
