package io.commslib.testkit;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * A runtime that uses another one for everything. A test overrides the part that it needs to
 * change, such as the clocks. As thread-safe as the other one.
 */
public abstract class ForwardingRuntime implements CommsRuntime {

  private final CommsRuntime runtime;

  /**
   * Creates it.
   *
   * @param runtime the runtime to use, closed together with this one
   */
  protected ForwardingRuntime(CommsRuntime runtime) {
    this.runtime = Objects.requireNonNull(runtime, "runtime");
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
    return runtime.random();
  }

  @Override
  public Workers newWorkers(String name, int threads) {
    return runtime.newWorkers(name, threads);
  }

  @Override
  public Workers newPlatformWorkers(String name, int threads) {
    return runtime.newPlatformWorkers(name, threads);
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
