package io.commslib.core.time;

/** Handle of a scheduled task. Thread-safe. */
public interface ScheduledTask {

  /**
   * Cancels the task if it has not begun. Does not interrupt a running task. Idempotent, never
   * blocks.
   *
   * @return whether this call cancelled the task
   */
  boolean cancel();
}
