package io.commslib.rabbit;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.time.Instant;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/** A runtime whose monotonic clock is ahead of that of the system. */
final class ShiftedRuntime implements CommsRuntime {

  private final SystemRuntime runtime = SystemRuntime.create();
  private final LongSupplier aheadNanos;

  ShiftedRuntime(LongSupplier aheadNanos) {
    this.aheadNanos = aheadNanos;
  }

  @Override
  public TimeSource time() {
    return new TimeSource() {
      @Override
      public Instant now() {
        return runtime.time().now();
      }

      @Override
      public long nanoTime() {
        return runtime.time().nanoTime() + aheadNanos.getAsLong();
      }
    };
  }

  @Override
  public TaskScheduler scheduler() {
    return runtime.scheduler();
  }

  @Override
  public RandomGenerator random() {
    return runtime.random();
  }

  @Override
  public Workers newWorkers(String name, int threads) {
    return runtime.newWorkers(name, threads);
  }

  @Override
  public Thread newThread(String name, Runnable body) {
    return runtime.newThread(name, body);
  }

  @Override
  public void close() {
    runtime.close();
  }
}
