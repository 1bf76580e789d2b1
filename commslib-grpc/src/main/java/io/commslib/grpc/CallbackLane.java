package io.commslib.grpc;

import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Runs the callbacks of one stream one after the other, on the thread that adds the first of them.
 * What waits is bounded by what the receiver of the callbacks has asked for.
 */
final class CallbackLane {

  /** Made by the first callback that has to wait; most streams have none. */
  private @Nullable Queue<Runnable> waiting;

  private boolean isRunning;

  /** Runs a callback, which reports its failures itself. */
  void run(Runnable callback) {
    synchronized (this) {
      if (isRunning) {
        waiting = waiting == null ? new ArrayDeque<>(2) : waiting;
        waiting.add(callback);
        return;
      }
      isRunning = true;
    }
    Runnable next = callback;
    while (next != null) {
      try {
        next.run();
      } catch (Throwable e) {
        // Without memory, for example. The callbacks after it must run all the same.
        Thread.onSpinWait();
      }
      next = next();
    }
  }

  private synchronized @Nullable Runnable next() {
    Runnable next = waiting == null ? null : waiting.poll();
    isRunning = next != null;
    return next;
  }
}
