package io.commslib.core.time;

import java.time.Duration;

/** Runs short tasks later. Users may implement it. Thread-safe. */
public interface TaskScheduler {

  /**
   * Runs {@code task} once, {@code delay} from now or soon after, never before. Returns
   * immediately. The task runs on a shared scheduler thread and must not block. Its exceptions are
   * logged and dropped. Tasks with equal due times run in the order of the calls.
   *
   * @param delay zero or more
   * @param task the task
   * @return handle to cancel the task
   */
  ScheduledTask schedule(Duration delay, Runnable task);
}
