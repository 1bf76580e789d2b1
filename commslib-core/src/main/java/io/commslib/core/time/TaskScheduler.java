package io.commslib.core.time;

import java.time.Duration;

/** Runs short tasks later. Users may implement it. Thread-safe. */
public interface TaskScheduler {

  /**
   * Runs {@code task} once, {@code delay} from now or soon after, never before. Returns at once.
   * The task runs on a scheduler thread shared by all and must not block; what it throws is logged
   * and dropped. Tasks with equal due time run in the order of the calls.
   *
   * @param delay zero or more
   * @param task what to run
   * @return handle to cancel it
   */
  ScheduledTask schedule(Duration delay, Runnable task);
}
