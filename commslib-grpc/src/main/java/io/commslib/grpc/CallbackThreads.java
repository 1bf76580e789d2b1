package io.commslib.grpc;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Runs callbacks of calls without an executor that no stream completes. A callback may wait for a
 * call whose own callback has to run here, so a thread is added for each period in which none of
 * those that wait has begun. Thread-safe.
 */
final class CallbackThreads {

  private static final int THREADS = 8;

  /** More than this may wait for each other only by their own time limits. */
  private static final int MORE_THREADS = 256;

  private static final Duration PERIOD = Duration.ofMillis(50);

  private final CommsRuntime runtime;
  private final Workers workers;
  private final Workers more;

  /** Guarded by itself, as all below. */
  private final Queue<Runnable> waiting = new ArrayDeque<>();

  private int running;
  private long begun;
  private boolean isWatched;

  CallbackThreads(CommsRuntime runtime) {
    this.runtime = runtime;
    this.workers = runtime.newWorkers("grpc-callbacks", THREADS);
    this.more = runtime.newWorkers("grpc-callbacks-more", MORE_THREADS);
  }

  void execute(Runnable callback) {
    synchronized (waiting) {
      if (running >= THREADS) {
        waiting.add(callback);
        watch();
        return;
      }
      running++;
    }
    start(workers, callback);
  }

  private void start(Workers on, Runnable first) {
    try {
      on.execute(() -> run(first));
    } catch (RuntimeException | Error e) {
      // The runtime is closed; a call must end all the same.
      run(first);
    }
  }

  private void run(Runnable first) {
    Runnable next = first;
    while (next != null) {
      try {
        next.run();
      } catch (Throwable e) {
        // Callbacks report their failures themselves; without memory the next ones must still run.
        Thread.onSpinWait();
      }
      synchronized (waiting) {
        next = waiting.poll();
        if (next == null) {
          running--;
        } else {
          begun++;
        }
      }
    }
  }

  /** Lock held. */
  private void watch() {
    if (isWatched) {
      return;
    }
    long before = begun;
    try {
      runtime.scheduler().schedule(PERIOD, () -> checkProgress(before));
      isWatched = true;
    } catch (RuntimeException e) {
      // The runtime is closed: what waits runs after those that run.
      isWatched = false;
    }
  }

  private void checkProgress(long before) {
    Runnable stuck = null;
    synchronized (waiting) {
      isWatched = false;
      if (begun == before && running < THREADS + MORE_THREADS) {
        stuck = waiting.poll();
      }
      if (stuck != null) {
        begun++;
        running++;
      }
      if (!waiting.isEmpty()) {
        watch();
      }
    }
    if (stuck != null) {
      start(more, stuck);
    }
  }
}
