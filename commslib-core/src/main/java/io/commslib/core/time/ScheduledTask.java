package io.commslib.core.time;

/** Handle of a task that was scheduled. Thread-safe. */
public interface ScheduledTask {

  /**
   * Keeps the task from running if it has not begun. Idempotent; never blocks; does not interrupt a
   * running task.
   *
   * @return whether this call kept it from running
   */
  boolean cancel();
}
