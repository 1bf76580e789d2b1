package io.commslib.core.time;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * A bounded set of threads that run blocking work. Made by {@link CommsRuntime#newWorkers}; its
 * creator closes it. Thread-safe.
 */
public interface Workers extends Executor, AutoCloseable {

  /**
   * Waits until all submitted work has ended.
   *
   * @param timeout maximum wait
   * @return whether all work has ended
   */
  boolean awaitIdle(Duration timeout);

  /** Accepts no more work, interrupts running work and returns without waiting. Idempotent. */
  @Override
  void close();
}
