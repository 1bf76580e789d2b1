package io.commslib.outbox;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs one task at a time on a thread of its own while the relay's thread continues. Only the
 * relay's thread calls the methods, except {@link #run} and {@link #stop}.
 */
final class RelayBackgroundTask {

  private static final long IDLE_WAIT_NANOS = Duration.ofSeconds(1).toNanos();

  /** A task, and its result once it has ended. */
  static final class Task<T> {
    private final String description;
    private final Supplier<T> work;
    private final CountDownLatch ended = new CountDownLatch(1);

    // Read after the task has ended.
    private @Nullable T result;
    private @Nullable Throwable failure;

    private Task(String description, Supplier<T> work) {
      this.description = description;
      this.work = work;
    }

    boolean hasEnded() {
      return ended.getCount() == 0;
    }

    boolean await(long seconds) throws InterruptedException {
      return ended.await(seconds, TimeUnit.SECONDS);
    }

    /**
     * Returns the result. Must be called after the task has ended.
     *
     * @throws RuntimeException if the task failed; or an {@link Error}
     */
    T result() {
      T known = result;
      if (known != null) {
        return known;
      }
      if (failure instanceof Error error) {
        throw error;
      }
      throw failure instanceof RuntimeException exception
          ? exception
          : new IllegalStateException("task ended without a result", failure);
    }

    /** Runs the task. A failure is its result, and does not end the thread. */
    private void execute() {
      try {
        result = work.get();
      } catch (Throwable e) {
        failure = e;
      } finally {
        ended.countDown();
      }
    }
  }

  private final WakeSignal taskSignal = new WakeSignal();
  private final WakeSignal relaySignal;
  private final RelayLoopProgress progress;
  private volatile @Nullable Task<?> pending;
  private volatile boolean stopped;

  /**
   * Creates an idle task runner; the caller starts a thread for {@link #run}.
   *
   * @param relaySignal nudged when a task has ended
   */
  RelayBackgroundTask(WakeSignal relaySignal, RelayLoopProgress progress) {
    this.relaySignal = relaySignal;
    this.progress = progress;
  }

  RelayLoopProgress progress() {
    return progress;
  }

  /**
   * Begins a task. The one before must have ended.
   *
   * @param description the task in a few words
   * @param work must not return null
   */
  <T> Task<T> begin(String description, Supplier<T> work) {
    Task<T> task = new Task<>(description, work);
    pending = task;
    taskSignal.raise();
    return task;
  }

  /** Runs tasks until {@link #stop}. */
  void run() {
    while (!stopped) {
      try {
        runOnce();
      } catch (Throwable stray) {
        // Only stop() ends this thread: neither an interrupt flag that a driver left set nor a
        // lack of memory.
        progress.end();
      }
    }
  }

  private void runOnce() throws InterruptedException {
    Thread.interrupted();
    taskSignal.await(IDLE_WAIT_NANOS);
    progress.begin();
    Task<?> task = pending;
    pending = null;
    if (task != null) {
      progress.doing(task.description);
      task.execute();
      relaySignal.nudge();
    }
    progress.end();
  }

  /** Ends the thread after the task in progress. Any thread. */
  void stop() {
    stopped = true;
    taskSignal.raise();
  }
}
