package io.commslib.http.server;

import java.util.concurrent.atomic.AtomicInteger;

/** Decides whether one more request may be in flight. Thread-safe. */
interface InFlightLimit {

  /** Returns whether the request may be handled; it then ends with {@link #release}. */
  boolean tryAcquire();

  /**
   * Ends a request that was admitted.
   *
   * @param elapsedNanos the time in flight
   * @param overran whether its time was not sufficient, which is a sign of overload
   */
  void release(long elapsedNanos, boolean overran);

  /** A constant bound. */
  static InFlightLimit fixed(int max) {
    AtomicInteger inFlight = new AtomicInteger();
    return new InFlightLimit() {
      @Override
      public boolean tryAcquire() {
        if (inFlight.incrementAndGet() <= max) {
          return true;
        }
        inFlight.decrementAndGet();
        return false;
      }

      @Override
      public void release(long elapsedNanos, boolean overran) {
        inFlight.decrementAndGet();
      }
    };
  }
}
