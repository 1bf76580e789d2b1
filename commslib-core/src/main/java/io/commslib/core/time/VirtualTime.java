package io.commslib.core.time;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A runtime for tests whose time moves only on request. Scheduled tasks and worker tasks run on the
 * thread that calls {@link #advance} or {@link #runUntilIdle}, in the order of their due times and,
 * at equal times, in the order of the calls that added them. The same seed and the same calls give
 * the same run.
 *
 * <p>Thread-safe, but meant for one test thread. Threads made with {@link #newThread} are real
 * threads and not controlled by virtual time.
 */
public final class VirtualTime implements CommsRuntime {

  private record Entry(long dueNanos, long order, Runnable task) implements Comparable<Entry> {
    @Override
    public int compareTo(Entry other) {
      int byTime = Long.compare(dueNanos, other.dueNanos);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  private final Object lock = new Object();
  private final Instant start;
  private final RandomGenerator random;
  private final PriorityQueue<Entry> due = new PriorityQueue<>();
  private long nowNanos;
  private long order;

  private VirtualTime(Instant start, long seed) {
    this.start = start;
    SplittableRandom generator = new SplittableRandom(seed);
    this.random =
        () -> {
          synchronized (generator) {
            return generator.nextLong();
          }
        };
  }

  /**
   * Creates a runtime whose time begins at {@code start}.
   *
   * @param start initial wall-clock time
   * @param seed seed of the random generator
   * @return new runtime
   */
  public static VirtualTime startingAt(Instant start, long seed) {
    return new VirtualTime(Objects.requireNonNull(start, "start"), seed);
  }

  /** {@return a new runtime that begins at 2026-01-01T00:00:00Z with seed 1} */
  public static VirtualTime create() {
    return startingAt(Instant.parse("2026-01-01T00:00:00Z"), 1);
  }

  /**
   * Advances time and runs every task that becomes due, each at its own due time, and every worker
   * task that these add. May be called from inside a task.
   *
   * @param duration zero or more
   */
  public void advance(Duration duration) {
    long target;
    synchronized (lock) {
      target = nowNanos + duration.toNanos();
    }
    for (Entry next = poll(target); next != null; next = poll(target)) {
      next.task.run();
    }
    synchronized (lock) {
      nowNanos = Math.max(nowNanos, target);
    }
  }

  /** Runs every task that is due now, and the tasks that these add, without advancing time. */
  public void runUntilIdle() {
    advance(Duration.ZERO);
  }

  private @Nullable Entry poll(long target) {
    synchronized (lock) {
      Entry next = due.peek();
      if (next == null || next.dueNanos > target) {
        return null;
      }
      due.poll();
      nowNanos = Math.max(nowNanos, next.dueNanos);
      return next;
    }
  }

  private Entry add(long delayNanos, Runnable task) {
    synchronized (lock) {
      Entry entry = new Entry(nowNanos + Math.max(0, delayNanos), order++, task);
      due.add(entry);
      return entry;
    }
  }

  @Override
  public TimeSource time() {
    return new TimeSource() {
      @Override
      public Instant now() {
        synchronized (lock) {
          return start.plusNanos(nowNanos);
        }
      }

      @Override
      public long nanoTime() {
        synchronized (lock) {
          return nowNanos;
        }
      }
    };
  }

  @Override
  public TaskScheduler scheduler() {
    return (delay, task) -> {
      Entry entry = add(delay.toNanos(), task);
      return () -> {
        synchronized (lock) {
          return due.remove(entry);
        }
      };
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
        synchronized (lock) {
          if (closed) {
            throw new java.util.concurrent.RejectedExecutionException(
                "workers are closed: " + name);
          }
        }
        add(0, work);
      }

      @Override
      public boolean awaitIdle(Duration timeout) {
        runUntilIdle();
        return true;
      }

      @Override
      public void close() {
        synchronized (lock) {
          closed = true;
        }
      }
    };
  }

  /** Advances the time, since the thread that waits is the one that would advance it. */
  @Override
  public void pause(Duration time) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before a pause of " + time);
    }
    advance(time);
  }

  @Override
  public Thread newThread(String name, Runnable body) {
    Thread thread = new Thread(Objects.requireNonNull(body, "body"), "commslib-" + name);
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public void close() {
    synchronized (lock) {
      due.clear();
    }
  }
}
