package io.commslib.grpc;

import io.commslib.core.time.WorkInterrupts;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The thread that runs code of a handler, so that a cancelled call can interrupt it. Either the
 * code ends first and is never interrupted, or its end waits for the interrupt and clears it.
 */
final class HandlerThread extends AtomicInteger {

  private static final long serialVersionUID = 1L;

  private static final int IDLE = 0;
  private static final int RUNNING = 1;
  private static final int INTERRUPTING = 2;
  private static final int INTERRUPTED = 3;
  private static final int SHIELDED = 4;

  private transient volatile @Nullable Thread thread;
  private volatile boolean isStopped;

  /** Begins to run code on this thread; returns false if the call has been stopped. */
  boolean enter() {
    thread = Thread.currentThread();
    set(RUNNING);
    if (isStopped) {
      exit();
      return false;
    }
    return true;
  }

  void exit() {
    if (!compareAndSet(SHIELDED, IDLE)) {
      leave(IDLE);
    }
  }

  /** The handler has returned: what follows on its thread is never interrupted. */
  void shield() {
    leave(SHIELDED);
  }

  private void leave(int next) {
    // While another thread interrupts, its interrupt is still to come: it must not reach later
    // code.
    while (!compareAndSet(RUNNING, next)) {
      if (get() == INTERRUPTED) {
        WorkInterrupts.returned(this);
        set(next);
        return;
      }
      Thread.onSpinWait();
    }
  }

  /** Interrupts the code that runs, if any, and lets no further code run. On any thread. */
  void stop() {
    isStopped = true;
    if (compareAndSet(RUNNING, INTERRUPTING)) {
      Thread running = thread;
      if (running != null) {
        WorkInterrupts.interrupt(this, running);
      }
      set(INTERRUPTED);
    }
  }

  /** Whether code runs. */
  boolean isRunning() {
    return get() != IDLE;
  }

  boolean isStopped() {
    return isStopped;
  }
}
