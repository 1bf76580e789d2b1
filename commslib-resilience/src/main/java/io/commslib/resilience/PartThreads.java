package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The threads that run the parts of all composers of a process. A part holds a slot from its
 * declaration until its code has returned. There is no queue: composers inside parts could
 * otherwise wait for each other.
 */
final class PartThreads implements AutoCloseable {

  private final CommsRuntime runtime;
  private final @Nullable Executor given;
  private final int max;
  private final AtomicInteger taken = new AtomicInteger();
  private final AtomicInteger overrunning = new AtomicInteger();
  private final Object lock = new Object();

  /** Made for the first part; guarded by the lock. */
  private @Nullable Workers workers;

  /** Guarded by the lock. */
  private boolean closed;

  PartThreads(CommsRuntime runtime, @Nullable Executor given, int max) {
    this.runtime = runtime;
    this.given = given;
    this.max = max;
  }

  boolean tryAcquire() {
    int now = taken.get();
    while (now < max) {
      if (taken.compareAndSet(now, now + 1)) {
        return true;
      }
      now = taken.get();
    }
    return false;
  }

  void release() {
    taken.decrementAndGet();
  }

  /** May throw whatever the executor throws, and may run the task before it returns. */
  void execute(Runnable task) {
    (given == null ? ownWorkers() : given).execute(task);
  }

  private Workers ownWorkers() {
    synchronized (lock) {
      if (closed) {
        throw new RejectedExecutionException("the resilience is closed");
      }
      if (workers == null) {
        workers = runtime.newWorkers("parts", max);
      }
      return workers;
    }
  }

  /** Lets a simulated runtime run what is due on this thread; otherwise returns at once. */
  void runSimulated() {
    Workers own;
    synchronized (lock) {
      own = workers;
    }
    if (own != null) {
      own.awaitIdle(Duration.ZERO);
    }
  }

  CommsRuntime runtime() {
    return runtime;
  }

  int max() {
    return max;
  }

  int taken() {
    return taken.get();
  }

  int overrunning() {
    return overrunning.get();
  }

  /** A part was interrupted and its code has not returned. */
  void overrunBegins() {
    overrunning.incrementAndGet();
  }

  void overrunEnds() {
    overrunning.decrementAndGet();
  }

  @Override
  public void close() {
    Workers own;
    synchronized (lock) {
      closed = true;
      own = workers;
    }
    if (own != null) {
      own.close();
    }
  }
}
