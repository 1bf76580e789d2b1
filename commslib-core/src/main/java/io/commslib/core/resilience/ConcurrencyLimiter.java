package io.commslib.core.resilience;

import org.jspecify.annotations.Nullable;

/**
 * Bounds the requests that a server works on, with a limit that follows what the server can do.
 * Unlike a {@link Bulkhead}, whose limit is set, it learns from the outcome and the time of each
 * request. Servers ask it before they start a request, and refuse the request without a permit.
 * Thread-safe; never blocks.
 */
public interface ConcurrencyLimiter {

  /**
   * Asks for a request.
   *
   * @return the permit, null if the limit is reached. It has no lease: it must be ended when the
   *     request no longer uses the server, also after the caller has stopped waiting; it is
   *     released if the request was not worked on
   */
  @Nullable Permit tryAcquire();

  /** {@return the number of permits that have not ended} */
  int inFlight();

  /** {@return the maximum number of permits now} */
  int limit();
}
