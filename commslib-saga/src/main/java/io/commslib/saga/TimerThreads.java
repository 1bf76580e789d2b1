package io.commslib.saga;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads of the saga timer. One thread at a time claims work, after a pause if the last claim took
 * little; it then lets the next thread claim and runs its own work. Work that hangs therefore
 * occupies one thread and not the whole timer. No failure ends a thread; errors of the JVM lengthen
 * the pause.
 */
final class TimerThreads {

  /** Work of the threads. */
  interface TimerTask<T> {
    /** Claims work; returns an empty list if there is none. */
    List<T> claim() throws Exception;

    /** {@return whether more work may be due than this claim took} */
    boolean isFull(List<T> claimed);

    /** Runs the claimed work. */
    void run(List<T> claimed) throws Exception;

    /** Releases the claims that {@link #run} has not started, after an error of the JVM. */
    void releaseUnfinished();

    /** Reports a failure of {@link #claim} or {@link #run}. */
    void failed(Throwable failure);
  }

  static final int THREADS = 4;
  private static final Logger log = LoggerFactory.getLogger(TimerThreads.class);
  private static final Duration INITIAL_JVM_PAUSE = Duration.ofSeconds(1);
  private static final Duration MAX_JVM_PAUSE = Duration.ofMinutes(1);

  private final CommsRuntime runtime;
  private final Duration pollInterval;
  private final TimerTask<?> task;
  private final ReentrantLock claimLock = new ReentrantLock();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean started;
  private boolean stopping;
  private int runningThreads;
  private boolean moreMayBeDue = true;
  private Duration jvmPause = Duration.ZERO;
  private long lastPassNanos;

  TimerThreads(CommsRuntime runtime, Duration pollInterval, TimerTask<?> task) {
    this.runtime = runtime;
    this.pollInterval = pollInterval;
    this.task = task;
  }

  void start() {
    lock.lock();
    try {
      if (!started && !stopping) {
        started = true;
        lastPassNanos = runtime.time().nanoTime();
        for (int i = 1; i <= THREADS; i++) {
          Thread thread = runtime.newThread("saga-timer-" + i, this::run);
          runningThreads++;
          boolean runs = false;
          try {
            thread.start();
            runs = true;
          } finally {
            runningThreads -= runs ? 0 : 1;
          }
        }
      }
    } finally {
      lock.unlock();
    }
  }

  boolean isRunning() {
    lock.lock();
    try {
      return started && !stopping && runningThreads > 0;
    } finally {
      lock.unlock();
    }
  }

  /** {@return the time since the last pass ended, or since the start} */
  Duration timeSinceLastPass() {
    lock.lock();
    try {
      return Duration.ofNanos(Math.max(0, runtime.time().nanoTime() - lastPassNanos));
    } finally {
      lock.unlock();
    }
  }

  /** {@return the pause after an error of the JVM, zero if the last pass succeeded} */
  Duration jvmPause() {
    lock.lock();
    try {
      return jvmPause;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Stops claiming and waits for the work in progress. Does not interrupt the threads, since an
   * interrupt would damage the database files of an embedded H2.
   */
  boolean stop(Duration timeout) {
    lock.lock();
    try {
      stopping = true;
      changed.signalAll();
      long left = Timeouts.nanos(timeout);
      while (runningThreads > 0 && left > 0) {
        left = changed.awaitNanos(left);
      }
      return runningThreads == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    try {
      while (!isStopping()) {
        try {
          pass(task);
        } catch (Throwable failure) {
          failed(failure);
        }
      }
    } finally {
      lock.lock();
      try {
        runningThreads--;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private <T> void pass(TimerTask<T> task) throws Exception {
    List<T> claimed;
    claimLock.lock();
    try {
      if (!awaitNextClaim()) {
        return;
      }
      claimed = task.claim();
      setMoreMayBeDue(task.isFull(claimed));
    } finally {
      claimLock.unlock();
    }
    task.run(claimed);
    lock.lock();
    try {
      lastPassNanos = runtime.time().nanoTime();
      jvmPause = Duration.ZERO;
    } finally {
      lock.unlock();
    }
  }

  private void failed(Throwable failure) {
    try {
      boolean isJvmFailure = Failures.isJvmFailure(failure);
      lock.lock();
      try {
        moreMayBeDue = false;
        if (isJvmFailure) {
          Duration next = jvmPause.isZero() ? INITIAL_JVM_PAUSE : jvmPause.multipliedBy(2);
          jvmPause = next.compareTo(MAX_JVM_PAUSE) > 0 ? MAX_JVM_PAUSE : next;
        }
      } finally {
        lock.unlock();
      }
      if (isJvmFailure) {
        task.releaseUnfinished();
      }
      task.failed(failure);
    } catch (Throwable e) {
      log.error("the saga timer failed with {}", failure.getClass().getName());
    }
  }

  private boolean isStopping() {
    lock.lock();
    try {
      return stopping;
    } finally {
      lock.unlock();
    }
  }

  private void setMoreMayBeDue(boolean value) {
    lock.lock();
    try {
      moreMayBeDue = value;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the next claim is due; returns false if the timer stops. */
  private boolean awaitNextClaim() {
    lock.lock();
    try {
      long wait = moreMayBeDue ? 0 : pollInterval.toNanos();
      long left = Math.max(wait, jvmPause.toNanos());
      while (left > 0 && !stopping) {
        try {
          left = changed.awaitNanos(left);
        } catch (InterruptedException e) {
          // User code may have left the interrupt flag set. Only stop() ends this thread.
          left = Math.min(left, pollInterval.toNanos());
        }
      }
      moreMayBeDue = false;
      return !stopping;
    } finally {
      lock.unlock();
    }
  }
}
