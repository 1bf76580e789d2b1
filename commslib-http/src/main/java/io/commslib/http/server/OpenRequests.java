package io.commslib.http.server;

import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Counts the requests whose answer has not left yet. Thread-safe. */
final class OpenRequests {

  private final AtomicInteger count = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition none = lock.newCondition();
  private volatile boolean awaited;

  void begin() {
    count.incrementAndGet();
  }

  void end() {
    // Without a drain, requests need no lock.
    if (count.decrementAndGet() == 0 && awaited) {
      lock.lock();
      try {
        none.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  int count() {
    return count.get();
  }

  /** Waits until there is none; returns false after the timeout or when interrupted. */
  boolean awaitNone(Duration timeout) {
    long left = Timeouts.nanos(timeout);
    lock.lock();
    try {
      awaited = true;
      while (count.get() > 0) {
        if (left <= 0) {
          return false;
        }
        left = none.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return count.get() == 0;
    } finally {
      lock.unlock();
    }
  }
}
