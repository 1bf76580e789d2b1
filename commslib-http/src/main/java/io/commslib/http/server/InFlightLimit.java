package io.commslib.http.server;

import java.util.concurrent.atomic.AtomicInteger;

/** Bounds the requests in flight, from their arrival until their answer has left. Thread-safe. */
final class InFlightLimit {

  private final int max;
  private final AtomicInteger inFlight = new AtomicInteger();

  InFlightLimit(int max) {
    this.max = max;
  }

  /** Returns whether the request may be handled; it then ends with {@link #release}. */
  boolean tryAcquire() {
    if (inFlight.incrementAndGet() <= max) {
      return true;
    }
    inFlight.decrementAndGet();
    return false;
  }

  void release() {
    inFlight.decrementAndGet();
  }
}
