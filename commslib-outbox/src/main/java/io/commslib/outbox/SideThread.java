package io.commslib.outbox;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Does one thing at a time on a thread of its own, so that the relay's thread goes on meanwhile.
 * All methods but {@link #run} and {@link #stop} are the relay's thread's.
 */
final class SideThread {

  private static final long FOREVER_NANOS = Long.MAX_VALUE;

  /** What is to be done, and then what came of it. */
  static final class Task<T> {
    private final Supplier<T> work;
    private final CountDownLatch ended = new CountDownLatch(1);

    // Read once it has ended.
    private @Nullable T result;
    private @Nullable RuntimeException failure;

    private Task(Supplier<T> work) {
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
     * @throws RuntimeException what it failed with
     */
    T result() {
      T known = result;
      if (known == null) {
        throw failure != null ? failure : new IllegalStateException("broken off");
      }
      return known;
    }

    /** Whatever happens concerns this task only: others may go. */
    private void attempt() {
      try {
        result = work.get();
      } catch (RuntimeException e) {
        failure = e;
      } catch (Throwable e) {
        failure = new IllegalStateException("failed", e);
      } finally {
        ended.countDown();
      }
    }
  }

  private final WakeSignal work = new WakeSignal();
  private final WakeSignal relay;
  private volatile @Nullable Task<?> next;
  private volatile boolean stopped;

  /**
   * Creates what {@link #run} is to run.
   *
   * @param relay is nudged when something has ended
   */
  SideThread(WakeSignal relay) {
    this.relay = relay;
  }

  /** Begins something, once what was begun before has ended; it must return something. */
  <T> Task<T> begin(Supplier<T> what) {
    Task<T> task = new Task<>(what);
    next = task;
    work.raise();
    return task;
  }

  /** Runs on the thread of its own until {@link #stop}. */
  void run() {
    while (!stopped) {
      try {
        work.await(FOREVER_NANOS);
      } catch (InterruptedException stray) {
        // Only the end ends this thread: a driver may have left the flag set.
        continue;
      }
      Task<?> task = next;
      next = null;
      if (task != null) {
        task.attempt();
        relay.nudge();
      }
    }
  }

  /** Ends the thread after what it does now. Any thread. */
  void stop() {
    stopped = true;
    work.raise();
  }
}
