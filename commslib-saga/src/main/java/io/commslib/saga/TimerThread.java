package io.commslib.saga;

import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One thread that looks again and again, with a pause when there was little to do. */
final class TimerThread {

  private final CommsRuntime runtime;
  private final Duration pause;
  private final BooleanSupplier look;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private @Nullable Thread thread;
  private boolean stopping;
  private boolean ended;

  /**
   * @param look does one look and returns whether to look again at once; must not throw
   */
  TimerThread(CommsRuntime runtime, Duration pause, BooleanSupplier look) {
    this.runtime = runtime;
    this.pause = pause;
    this.look = look;
  }

  void start() {
    lock.lock();
    try {
      if (thread == null && !stopping) {
        thread = runtime.newThread("saga-timer-1", this::run);
        thread.start();
      }
    } finally {
      lock.unlock();
    }
  }

  boolean isRunning() {
    lock.lock();
    try {
      return thread != null && !stopping;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Stops looking and waits for the look under way. No interrupt: it would break the database files
   * of an embedded H2.
   */
  boolean stop(Duration timeout) {
    lock.lock();
    try {
      stopping = true;
      changed.signalAll();
      long left = timeout.toNanos();
      while (thread != null && !ended && left > 0) {
        left = changed.awaitNanos(left);
      }
      return thread == null || ended;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    boolean again = true;
    while (mayLook(again)) {
      again = look.getAsBoolean();
    }
    lock.lock();
    try {
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private boolean mayLook(boolean atOnce) {
    lock.lock();
    try {
      long left = atOnce ? 0 : pause.toNanos();
      while (left > 0 && !stopping) {
        left = changed.awaitNanos(left);
      }
      return !stopping;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }
}
