package io.commslib.outbox;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A flag somebody may wait for; any number of raises before it is taken are one. */
final class WakeSignal {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition raised = lock.newCondition();
  private boolean set;

  void raise() {
    lock.lock();
    try {
      set = true;
      raised.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Takes the flag, waiting for it at most so long. */
  void await(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (!set && left > 0) {
        left = raised.awaitNanos(left);
      }
      set = false;
    } finally {
      lock.unlock();
    }
  }
}
