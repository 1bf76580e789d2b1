package io.commslib.resilience;

import java.util.concurrent.atomic.AtomicInteger;

/** Bounds the callers that wait for a loader. Thread-safe. */
final class WaitingBound {

  private final int max;
  private final AtomicInteger waiting = new AtomicInteger();

  WaitingBound(int max) {
    this.max = max;
  }

  boolean tryEnter() {
    if (waiting.incrementAndGet() <= max) {
      return true;
    }
    waiting.decrementAndGet();
    return false;
  }

  void leave() {
    waiting.decrementAndGet();
  }

  int max() {
    return max;
  }

  /** The number of callers; a refused one may count for a moment. */
  int waiting() {
    return Math.min(max, waiting.get());
  }
}
