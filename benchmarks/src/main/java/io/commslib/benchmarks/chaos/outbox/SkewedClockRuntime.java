package io.commslib.benchmarks.chaos.outbox;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.testkit.ForwardingRuntime;
import java.time.Duration;
import java.time.Instant;

/** A runtime with a wrong wall clock. */
final class SkewedClockRuntime extends ForwardingRuntime {

  private final Duration shift;

  /**
   * Creates it.
   *
   * @param real the runtime for everything else
   * @param shift the error of the clock
   */
  SkewedClockRuntime(CommsRuntime real, Duration shift) {
    super(real);
    this.shift = shift;
  }

  @Override
  public TimeSource time() {
    TimeSource time = super.time();
    return new TimeSource() {
      @Override
      public Instant now() {
        return time.now().plus(shift);
      }

      @Override
      public long nanoTime() {
        return time.nanoTime();
      }
    };
  }
}
