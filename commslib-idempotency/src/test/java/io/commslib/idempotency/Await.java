package io.commslib.idempotency;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for a condition, with a limit. */
final class Await {

  private static final long LIMIT_NANOS = 30_000_000_000L;

  private Await() {}

  static void until(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + LIMIT_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within 30 s: " + what);
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Waits half a second, in which an unwanted event could happen. */
  static void settled() {
    long end = System.nanoTime() + 500_000_000L;
    until("half a second", () -> System.nanoTime() > end);
  }
}
