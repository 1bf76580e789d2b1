package io.commslib.core.time;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.random.RandomGenerator;

/**
 * The library's access to time, randomness and threads. Applications pass {@link SystemRuntime},
 * tests pass {@link VirtualTime}, simulators implement it. Thread-safe.
 */
public interface CommsRuntime extends AutoCloseable {

  /** {@return the clocks} */
  TimeSource time();

  /** {@return the scheduler for short tasks} */
  TaskScheduler scheduler();

  /** {@return the random generator for jitter, shard choice and ids; thread-safe} */
  RandomGenerator random();

  /**
   * Creates a set of worker threads named {@code commslib-<name>-<n>}; the caller closes it.
   *
   * @param name role of the threads, used in their names
   * @param threads maximum number of threads, 1 or more
   * @return the workers
   */
  Workers newWorkers(String name, int threads);

  /**
   * Creates workers like {@link #newWorkers}, but never virtual threads. For work that waits by
   * spinning: a spinning virtual thread can prevent the thread it waits for from being mounted.
   *
   * @param name role of the threads, used in their names
   * @param threads maximum number of threads, 1 or more
   * @return the workers
   */
  default Workers newPlatformWorkers(String name, int threads) {
    return newWorkers(name, threads);
  }

  /**
   * Creates, but does not start, one long-lived daemon thread named {@code commslib-<name>}.
   *
   * @param name role of the thread, used in its name
   * @param body the thread's work
   * @return the thread
   */
  Thread newThread(String name, Runnable body);

  /**
   * Blocks the calling thread for a time. Under {@link VirtualTime} it advances the time instead.
   *
   * @param time zero or more
   * @throws InterruptedException if the thread is interrupted
   */
  default void pause(Duration time) throws InterruptedException {
    CountDownLatch over = new CountDownLatch(1);
    ScheduledTask end = scheduler().schedule(time, over::countDown);
    try {
      over.await();
    } finally {
      end.cancel();
    }
  }

  /** Stops the scheduler. Idempotent. Workers and threads are not affected. */
  @Override
  void close();
}
