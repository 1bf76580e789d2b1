package io.commslib.testkit.servers;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for a state of the outside world that has no notification. */
final class Polling {

  private static final long PACE_NANOS = Duration.ofMillis(20).toNanos();

  private Polling() {}

  /** Returns true once {@code condition} holds; false at the limit or when interrupted. */
  static boolean until(BooleanSupplier condition, Duration limit) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - start > limit.toNanos() || Thread.currentThread().isInterrupted()) {
        return false;
      }
      LockSupport.parkNanos(PACE_NANOS);
    }
    return true;
  }
}
