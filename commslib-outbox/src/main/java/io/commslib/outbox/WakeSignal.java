package io.commslib.outbox;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A flag that one thread waits for. Any number of raises before it is taken count as one and cost
 * next to nothing. It also keeps whether there may be new rows, or only a result has arrived.
 */
final class WakeSignal {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final AtomicBoolean signalled = new AtomicBoolean();
  private final AtomicBoolean raised = new AtomicBoolean();
  private volatile boolean lingering;

  /** Ends the wait, because there may be new rows. */
  void raise() {
    raised.set(true);
    // A lingering thread checks this flag when it has finished.
    if (!lingering) {
      nudge();
    }
  }

  /** Ends the wait, without new rows. */
  void nudge() {
    if (signalled.compareAndSet(false, true)) {
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Whether it was raised since the last call; to be called before fetching. */
  boolean takeRaised() {
    return raised.getAndSet(false);
  }

  /** Takes the flag, and waits for it at most this time; returns false if it was not set. */
  boolean await(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (!signalled.get() && left > 0) {
        left = changed.awaitNanos(left);
      }
      return signalled.getAndSet(false);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Lets raises gather for this time, or until there is enough, which each nudge checks. A raise
   * that was not taken ends the next wait.
   */
  void linger(long nanos, BooleanSupplier enough) throws InterruptedException {
    lock.lock();
    try {
      lingering = true;
      long left = nanos;
      signalled.set(false);
      while (left > 0 && !enough.getAsBoolean()) {
        left = changed.awaitNanos(left);
        signalled.set(false);
      }
    } finally {
      lingering = false;
      lock.unlock();
      if (raised.get()) {
        signalled.set(true);
      }
    }
  }
}
