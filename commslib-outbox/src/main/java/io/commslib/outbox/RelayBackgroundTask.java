package io.commslib.outbox;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Does one thing at a time on a thread of its own, so that the relay's thread goes on meanwhile.
 * All methods but {@link #run} and {@link #stop} are the relay's thread's.
 */
final class RelayBackgroundTask {

  private static final long IDLE_WAIT_NANOS = Duration.ofSeconds(1).toNanos();

  /** What is to be done, and then what came of it. */
  static final class Task<T> {
    private final String description;
    private final Supplier<T> work;
    private final CountDownLatch ended = new CountDownLatch(1);

    // Read once it has ended.
    private @Nullable T result;
    private @Nullable Throwable failure;

    private Task(String doing, Supplier<T> work) {
      this.description = doing;
      this.work = work;
    }

    boolean hasEnded() {
      return ended.getCount() == 0;
    }

    boolean await(long seconds) throws InterruptedException {
      return ended.await(seconds, TimeUnit.SECONDS);
    }

    /**
     * Returns what came of it, once it has ended.
     *
     * @throws RuntimeException what it failed with; or an {@link Error}
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
          : new IllegalStateException("broken off", failure);
    }

    /** Whatever happens concerns this task only: others may go. */
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
   * Creates what {@link #run} is to run.
   *
   * @param relay is nudged when something has ended
   */
  RelayBackgroundTask(WakeSignal relay, RelayLoopProgress pulse) {
    this.relaySignal = relay;
    this.progress = pulse;
  }

  RelayLoopProgress progress() {
    return progress;
  }

  /**
   * Begins something, once what was begun before has ended; it must return something.
   *
   * @param doing what it is, in a word
   */
  <T> Task<T> begin(String doing, Supplier<T> what) {
    Task<T> task = new Task<>(doing, what);
    pending = task;
    taskSignal.raise();
    return task;
  }

  /** Runs on the thread of its own until {@link #stop}. */
  void run() {
    while (!stopped) {
      try {
        runOnce();
      } catch (Throwable stray) {
        // Only the end ends this thread: neither a flag that a driver left set, nor a want of
        // memory while nothing is done.
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

  /** Ends the thread after what it does now. Any thread. */
  void stop() {
    stopped = true;
    taskSignal.raise();
  }
}
