package io.commslib.core.resilience;

import io.commslib.core.call.Criticality;
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

  /**
   * Asks for a request of some criticality. By default a request that is less than {@code CRITICAL}
   * gets none while {@link Criticality#partOf} of the limit is in use, so that the last permits are
   * for those that matter more.
   *
   * @param criticality how much the request matters
   * @return the permit as of {@link #tryAcquire()}, null if there is none for this criticality
   */
  default @Nullable Permit tryAcquire(Criticality criticality) {
    return criticality == Criticality.CRITICAL || inFlight() < criticality.partOf(limit())
        ? tryAcquire()
        : null;
  }

  /** {@return the number of permits that have not ended} */
  int inFlight();

  /** {@return the maximum number of permits now} */
  int limit();
}
