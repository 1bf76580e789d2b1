package io.commslib.grpc;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Runs the callbacks of one stream one after the other, on the thread that adds the first of them.
 * What waits is bounded by what the receiver of the callbacks has asked for.
 */
final class CallbackLane {

  private final Queue<Runnable> waiting = new ArrayDeque<>(2);
  private boolean isRunning;

  void run(Runnable callback) {
    synchronized (waiting) {
      waiting.add(callback);
      if (isRunning) {
        return;
      }
      isRunning = true;
    }
    Runnable next = next();
    while (next != null) {
      next.run();
      next = next();
    }
  }

  private Runnable next() {
    synchronized (waiting) {
      Runnable next = waiting.poll();
      isRunning = next != null;
      return next;
    }
  }
}
