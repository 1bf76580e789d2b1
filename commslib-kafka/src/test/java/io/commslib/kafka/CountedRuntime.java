package io.commslib.kafka;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;

/** A runtime in which each read of the clock and each start of a worker counts as a call. */
final class CountedRuntime implements CommsRuntime {

  private final CommsRuntime runtime;
  private final Faults faults;

  CountedRuntime(CommsRuntime runtime, Faults faults) {
    this.runtime = runtime;
    this.faults = faults;
  }

  @Override
  public TimeSource time() {
    return new TimeSource() {
      @Override
      public Instant now() {
        faults.onCall("time.now");
        return runtime.time().now();
      }

      @Override
      public long nanoTime() {
        faults.onCall("time.nanoTime");
        return runtime.time().nanoTime();
      }
    };
  }

  @Override
  public TaskScheduler scheduler() {
    return (delay, task) -> {
      faults.onCall("scheduler.schedule");
      return runtime.scheduler().schedule(delay, task);
    };
  }

  @Override
  public RandomGenerator random() {
    return runtime.random();
  }

  @Override
  public Workers newWorkers(String name, int threads) {
    Workers workers = runtime.newWorkers(name, threads);
    return new Workers() {
      @Override
      public void execute(Runnable work) {
        faults.onCall("workers.execute");
        workers.execute(work);
      }

      @Override
      public boolean awaitIdle(Duration timeout) {
        return workers.awaitIdle(timeout);
      }

      @Override
      public void close() {
        workers.close();
      }
    };
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
