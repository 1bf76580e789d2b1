package io.commslib.resilience;

import io.commslib.core.time.TimeSource;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/**
 * The monotonic clock as a {@link Clock} of whole seconds, for windows that a jump of the wall
 * clock must not move.
 */
final class MonotonicClock extends Clock {

  private final TimeSource time;
  private final long originNanos;

  /** The window counts by seconds and asks for each attempt. */
  private volatile Instant second = Instant.EPOCH;

  MonotonicClock(TimeSource time) {
    this.time = time;
    this.originNanos = time.nanoTime();
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    return this;
  }

  @Override
  public long millis() {
    return (time.nanoTime() - originNanos) / 1_000_000;
  }

  @Override
  public Instant instant() {
    long seconds = (time.nanoTime() - originNanos) / 1_000_000_000;
    Instant last = second;
    if (last.getEpochSecond() != seconds) {
      last = Instant.ofEpochSecond(seconds);
      second = last;
    }
    return last;
  }
}
