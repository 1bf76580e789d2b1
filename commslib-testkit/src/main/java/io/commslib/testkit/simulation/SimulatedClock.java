package io.commslib.testkit.simulation;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Virtual time and all scheduled tasks. The seed decides which of the due tasks runs next. Each
 * process has a view of its own and loses its tasks when it dies.
 */
final class SimulatedClock {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private record Task(long dueNanos, long order, Process owner, Runnable body) {}

  private final SplittableRandom random;
  private final List<Task> tasks = new ArrayList<>();
  private long nowNanos;
  private long wallOffsetNanos;
  private long order;

  SimulatedClock(SplittableRandom random) {
    this.random = random;
  }

  long nanoTime() {
    return nowNanos;
  }

  /** Lets the wall clock jump; the monotonic clock does not. */
  void jump(Duration by) {
    wallOffsetNanos += by.toNanos();
  }

  /** Runs one due task; false if there is none. */
  boolean runOne() {
    int due = 0;
    int chosen = -1;
    for (int i = 0; i < tasks.size(); i++) {
      if (tasks.get(i).dueNanos <= nowNanos && random.nextInt(++due) == 0) {
        chosen = i;
      }
    }
    if (chosen < 0) {
      return false;
    }
    Task task = tasks.remove(chosen);
    if (task.owner.isAlive()) {
      task.owner.enter(task.body);
    }
    return true;
  }

  /** Moves time to the next task; false if there is none. */
  boolean advance() {
    long next = Long.MAX_VALUE;
    for (Task task : tasks) {
      if (task.owner.isAlive()) {
        next = Math.min(next, task.dueNanos);
      }
    }
    if (next == Long.MAX_VALUE) {
      return false;
    }
    nowNanos = Math.max(nowNanos, next);
    return true;
  }

  /** A process: a view of the clock that can die. */
  final class Process implements CommsRuntime {
    private final double speed;
    private boolean alive = true;

    /**
     * @param speed 1; more lets scheduled tasks run too early, for a saboteur
     */
    Process(double speed) {
      this.speed = speed;
    }

    boolean isAlive() {
      return alive;
    }

    void die() {
      alive = false;
    }

    private void enter(Runnable body) {
      try {
        body.run();
      } catch (ProcessDeath e) {
        alive = false;
      }
    }

    private Task add(long delayNanos, Runnable body) {
      Task task = new Task(nowNanos + delayNanos, order++, this, body);
      tasks.add(task);
      return task;
    }

    @Override
    public TimeSource time() {
      return new TimeSource() {
        @Override
        public Instant now() {
          return START.plusNanos(nowNanos + wallOffsetNanos);
        }

        @Override
        public long nanoTime() {
          return nowNanos;
        }
      };
    }

    @Override
    public TaskScheduler scheduler() {
      return (delay, body) -> {
        Task task = add((long) (delay.toNanos() / speed), body);
        ScheduledTask handle = () -> tasks.remove(task);
        return handle;
      };
    }

    @Override
    public RandomGenerator random() {
      return random;
    }

    @Override
    public Workers newWorkers(String name, int threads) {
      return new Workers() {
        private boolean closed;

        @Override
        public void execute(Runnable work) {
          if (!closed) {
            Task unused = add(0, work);
          }
        }

        @Override
        public boolean awaitIdle(Duration timeout) {
          return true;
        }

        @Override
        public void close() {
          closed = true;
        }
      };
    }

    @Override
    public Thread newThread(String name, Runnable body) {
      throw new UnsupportedOperationException("a simulated process has no threads of its own");
    }

    @Override
    public void close() {
      // The tasks of a process end when it dies.
    }
  }

  /** Thrown to end a process between two steps. */
  static final class ProcessDeath extends Error {
    private static final long serialVersionUID = 1;

    ProcessDeath() {
      super("process died", null, false, false);
    }
  }
}
