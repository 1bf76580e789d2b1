package io.commslib.core.time;

import java.util.random.RandomGenerator;

/**
 * The ports through which the library reaches time, randomness and threads, in one object.
 * Applications pass {@link SystemRuntime}, tests {@link VirtualTime}; simulators implement it.
 * Thread-safe.
 */
public interface CommsRuntime extends AutoCloseable {

  /**
   * Returns the clocks.
   *
   * @return the time source
   */
  TimeSource time();

  /**
   * Returns the scheduler for short tasks.
   *
   * @return the scheduler
   */
  TaskScheduler scheduler();

  /**
   * Returns the source of randomness for jitter, shard choice and ids.
   *
   * @return thread-safe generator
   */
  RandomGenerator random();

  /**
   * Creates a set of worker threads named {@code commslib-<name>-<n>}; the caller closes it.
   *
   * @param name role, for thread names
   * @param threads upper bound of threads, 1 or more
   * @return the workers
   */
  Workers newWorkers(String name, int threads);

  /**
   * Creates workers as {@link #newWorkers} does, but never virtual threads: for work that waits by
   * spinning, which keeps the thread it waits for from being mounted.
   *
   * @param name role, for thread names
   * @param threads upper bound of threads, 1 or more
   * @return the workers
   */
  default Workers newPlatformWorkers(String name, int threads) {
    return newWorkers(name, threads);
  }

  /**
   * Creates, but does not start, one long-lived daemon thread named {@code commslib-<name>}.
   *
   * @param name role, for the thread name
   * @param body what it runs
   * @return the thread
   */
  Thread newThread(String name, Runnable body);

  /** Stops the scheduler. Idempotent. Workers and threads belong to who made them. */
  @Override
  void close();
}
