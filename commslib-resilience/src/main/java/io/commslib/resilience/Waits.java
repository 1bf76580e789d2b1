package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/** Waits of callers, without a timer: the waiting thread watches the time itself. */
final class Waits {

  private static final long SHORTEST_NANOS = 1_000_000;

  private Waits() {}

  /** Whether the clock moves only while a thread pauses, as under virtual time. */
  static boolean isSimulated(CommsRuntime runtime) {
    return runtime.time() != TimeSource.system();
  }

  /**
   * Waits for a signal, for at most a time. May return early. The lock is held once, and is free
   * during the wait. A simulated clock moves only while a thread pauses, and a pause ends by no
   * signal, so the thread then pauses for a small part of the time.
   */
  static void await(CommsRuntime runtime, Lock lock, Condition signal, long nanos)
      throws InterruptedException {
    if (!isSimulated(runtime)) {
      // The caller checks its condition and its time, whatever the wait returns.
      signal.awaitNanos(nanos);
      return;
    }
    lock.unlock();
    try {
      long slice = Math.min(nanos, Math.max(SHORTEST_NANOS, nanos / 100));
      runtime.pause(Duration.ofNanos(Math.max(0, slice)));
    } finally {
      lock.lock();
    }
  }
}
