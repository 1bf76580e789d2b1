package io.commslib.outbox;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A flag somebody may wait for; any number of raises before it is taken are one, and cost next to
 * nothing. Says besides whether there is something to look for, or only something came back.
 */
final class WakeSignal {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final AtomicBoolean signalled = new AtomicBoolean();
  private final AtomicBoolean raised = new AtomicBoolean();
  private volatile boolean lingering;

  /** There may be something new to look for. */
  void raise() {
    raised.set(true);
    // Whoever lingers sees afterwards that this was raised.
    if (!lingering) {
      nudge();
    }
  }

  /** Ends the wait, with nothing new to look for. */
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

  /** Whether it was raised since this was last asked; to be asked before looking. */
  boolean takeRaised() {
    return raised.getAndSet(false);
  }

  /** Takes the flag, waiting for it at most so long; false if it did not come. */
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
   * Lets raises gather for so long, or until there is enough; asked at each nudge. What was raised
   * and not taken ends the next wait.
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
