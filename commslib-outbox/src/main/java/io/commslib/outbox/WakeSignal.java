package io.commslib.outbox;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A flag somebody may wait for; any number of raises before it is taken are one, and cost next to
 * nothing. Says besides whether there is something to look for, or only something came back.
 */
final class WakeSignal {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final AtomicBoolean set = new AtomicBoolean();
  private final AtomicBoolean raised = new AtomicBoolean();

  /** There may be something new to look for. */
  void raise() {
    raised.set(true);
    nudge();
  }

  /** Ends the wait, with nothing new to look for. */
  void nudge() {
    if (set.compareAndSet(false, true)) {
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
      while (!set.get() && left > 0) {
        left = changed.awaitNanos(left);
      }
      return set.getAndSet(false);
    } finally {
      lock.unlock();
    }
  }

  /** Waits so long whatever comes; what comes stays to be taken. */
  void linger(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }
}
