package io.commslib.core.time;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * A bounded set of threads that run blocking work. Made by {@link CommsRuntime#newWorkers}; its
 * creator closes it. Thread-safe.
 */
public interface Workers extends Executor, AutoCloseable {

  /**
   * Waits until all work handed over has ended.
   *
   * @param timeout how long to wait at most
   * @return whether all had ended
   */
  boolean awaitIdle(Duration timeout);

  /** Takes no more work, interrupts what runs and returns without waiting. Idempotent. */
  @Override
  void close();
}
