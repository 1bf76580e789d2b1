package io.commslib.rabbit;

import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.testkit.ForwardingRuntime;
import java.time.Instant;
import java.util.function.LongSupplier;

/** A runtime whose monotonic clock is ahead of that of the system. */
final class ShiftedRuntime extends ForwardingRuntime {

  private final LongSupplier aheadNanos;

  ShiftedRuntime(LongSupplier aheadNanos) {
    super(SystemRuntime.create());
    this.aheadNanos = aheadNanos;
  }

  @Override
  public TimeSource time() {
    TimeSource real = super.time();
    return new TimeSource() {
      @Override
      public Instant now() {
        return real.now();
      }

      @Override
      public long nanoTime() {
        return real.nanoTime() + aheadNanos.getAsLong();
      }
    };
  }
}
