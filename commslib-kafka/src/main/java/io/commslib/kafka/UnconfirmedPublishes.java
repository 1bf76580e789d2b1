package io.commslib.kafka;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * How many publishes of each second are unconfirmed, for the age of the oldest one. Costs two
 * counts a publish and a fixed amount of memory, whatever is under way. Thread-safe.
 */
final class UnconfirmedPublishes {

  /** More seconds than a publish can be under way: twice the longest publish timeout is 1,200. */
  private static final int SECONDS = 2_048;

  private static final long NANOS = 1_000_000_000L;

  private final AtomicIntegerArray counts = new AtomicIntegerArray(SECONDS);

  /** Counts a publish that begins, and returns its place for {@link #ended}. */
  int began(long nowNanos) {
    int place = slot(nowNanos);
    counts.incrementAndGet(place);
    return place;
  }

  void ended(int place) {
    counts.decrementAndGet(place);
  }

  /** The age of the oldest one, to the second below; zero if there is none. */
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
