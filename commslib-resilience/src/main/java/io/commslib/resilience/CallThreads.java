package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import io.commslib.core.time.Workers;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The few threads of all asynchronous calls of a process: they start attempts after a wait,
 * complete results that no stage completes, and make the calls of batches. They are started on
 * demand and end when idle, so they are never closed: calls outlive the object that made them.
 */
final class CallThreads {

  static final int MAX_THREADS = 4;

  /** The calls of batches block. */
  static final int MAX_BATCHES = 16;

  private final CommsRuntime runtime;
  private final Workers workers;
  private final Workers cancels;
  private final Workers batches;

  CallThreads(CommsRuntime runtime) {
    this.runtime = runtime;
    this.workers = runtime.newWorkers("calls", MAX_THREADS);
    this.cancels = runtime.newWorkers("cancels", MAX_THREADS);
    this.batches = runtime.newWorkers("batches", MAX_BATCHES);
  }

  /** Runs a task soon, never on the scheduler's thread as long as there is another one. */
  void execute(Runnable task) {
    execute(workers, task);
  }

  /**
   * Cancels a stage. This is code of the user and may hang, so it has threads of its own: all calls
   * would wait for it otherwise. The slots of the attempts bound how many wait.
   */
  void cancel(Runnable task) {
    execute(cancels, task);
  }

  /** Runs the call of a batch, which blocks; throws if no thread can be started. */
  void load(Runnable task) {
    batches.execute(task);
  }

  private static void execute(Workers on, Runnable task) {
    try {
      on.execute(task);
    } catch (RuntimeException | Error e) {
      // No thread can be started now; a call must end all the same.
      task.run();
    }
  }

  /** Runs a task after a time; null if the runtime is closed. */
  @Nullable ScheduledTask after(long nanos, Runnable task) {
    try {
      return runtime.scheduler().schedule(Duration.ofNanos(nanos), () -> execute(task));
    } catch (RuntimeException | Error e) {
      return null;
    }
  }
}
