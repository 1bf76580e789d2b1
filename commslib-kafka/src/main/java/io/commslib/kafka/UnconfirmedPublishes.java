package io.commslib.kafka;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Counts the unconfirmed publishes of each second, to determine the age of the oldest one. Costs
 * two atomic updates for each publish and a fixed amount of memory. Thread-safe.
 */
final class UnconfirmedPublishes {

  /** Longer than a publish can be unconfirmed: twice the longest publish timeout is 1,200 s. */
  private static final int SECONDS = 2_048;

  private static final long NANOS = 1_000_000_000L;

  private final AtomicIntegerArray counts = new AtomicIntegerArray(SECONDS);

  /** Counts a publish that begins, and returns its slot for {@link #ended}. */
  int began(long nowNanos) {
    int slot = slot(nowNanos);
    counts.incrementAndGet(slot);
    return slot;
  }

  void ended(int slot) {
    counts.decrementAndGet(slot);
  }

  /** The age of the oldest publish, rounded down to seconds; zero if there is none. */
  Duration oldest(long nowNanos) {
    int now = slot(nowNanos);
    for (int age = SECONDS - 1; age > 0; age--) {
      if (counts.get(Math.floorMod(now - age, SECONDS)) > 0) {
        return Duration.ofSeconds(age);
      }
    }
    return Duration.ZERO;
  }

  private static int slot(long nanos) {
    return (int) Math.floorMod(Math.floorDiv(nanos, NANOS), (long) SECONDS);
  }
}
