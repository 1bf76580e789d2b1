package io.commslib.benchmarks.chaos.outbox;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;

/**
 * A runtime with a wrong wall clock.
 *
 * @param real the runtime for everything else
 * @param shift the error of the clock
 */
record SkewedClockRuntime(CommsRuntime real, Duration shift) implements CommsRuntime {

  @Override
  public TimeSource time() {
    TimeSource time = real.time();
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

  @Override
  public TaskScheduler scheduler() {
    return real.scheduler();
  }

  @Override
  public RandomGenerator random() {
    return real.random();
  }

  @Override
  public Workers newWorkers(String name, int threads) {
    return real.newWorkers(name, threads);
  }

  @Override
  public Thread newThread(String name, Runnable body) {
    return real.newThread(name, body);
  }

  @Override
  public void close() {
    real.close();
  }
}
