package io.commslib.core.redrive;

import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;

/** Limits the rate of a redrive: letters are evenly spaced over a second. */
final class RedriveRateLimiter {

  private final CommsRuntime runtime;
  private final long gapNanos;
  private long next;

  RedriveRateLimiter(CommsRuntime runtime, int perSecond) {
    this.runtime = runtime;
    this.gapNanos = Duration.ofSeconds(1).toNanos() / perSecond;
    this.next = runtime.time().nanoTime();
  }

  /** Blocks until the next letter may be sent. */
  void await() {
    long now = runtime.time().nanoTime();
    if (next - now > 0) {
      CountDownLatch due = new CountDownLatch(1);
      runtime.scheduler().schedule(Duration.ofNanos(next - now), due::countDown);
      try {
        due.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancellationException("interrupted while waiting for the rate limit");
      }
    }
    // A late letter restarts the spacing, so that missed slots do not become a burst.
    next = Math.max(next, runtime.time().nanoTime()) + gapNanos;
  }
}
