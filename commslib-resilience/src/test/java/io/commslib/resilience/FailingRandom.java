package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.util.random.RandomGenerator;

/** A runtime whose random generator fails, as anything may without memory. */
final class FailingRandom implements CommsRuntime {

  private final CommsRuntime runtime;
  private final Error error;

  FailingRandom(CommsRuntime runtime, Error error) {
    this.runtime = runtime;
    this.error = error;
  }

  @Override
  public TimeSource time() {
    return runtime.time();
  }

  @Override
  public TaskScheduler scheduler() {
    return runtime.scheduler();
  }

  @Override
  public RandomGenerator random() {
    return () -> {
      throw error;
    };
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
