package io.commslib.resilience;

import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.Permit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * The endpoint of one attempt. Until it is ended or released, the attempt counts as in flight
 * there. The first of both calls has the effect, and further ones have none. Thread-safe.
 *
 * @param <E> type of the endpoints
 */
public final class EndpointPermit<E> implements Permit {

  @SuppressWarnings("rawtypes") // there is no class of a type with a parameter
  private static final AtomicIntegerFieldUpdater<EndpointPermit> HAS_ENDED =
      AtomicIntegerFieldUpdater.newUpdater(EndpointPermit.class, "hasEnded");

  private final EndpointPool<E> pool;
  private final Endpoint<E> endpoint;
  private final boolean isCounted;

  /** The endpoint of the attempt of this call before. */
  private final @Nullable EndpointPermit<E> before;

  /** 1 after the end; no object of its own, since each attempt has a permit. */
  private volatile int hasEnded;

  /** The permit of the breaker, which is asked after the choice. */
  private @Nullable Permit inner;

  EndpointPermit(
      EndpointPool<E> pool,
      Endpoint<E> endpoint,
      boolean isCounted,
      @Nullable EndpointPermit<E> before) {
    this.pool = pool;
    this.endpoint = endpoint;
    this.isCounted = isCounted;
    this.before = before;
  }

  /** {@return the endpoint to which the attempt goes} */
  public E endpoint() {
    return endpoint.address;
  }

  /**
   * Ends the attempt. A failure of the callee and an attempt that did not reach it count against
   * the endpoint; a cancelled attempt counts for nothing.
   *
   * @param outcome the outcome of the attempt
   * @param nanos its time
   */
  @Override
  public void ended(CallOutcome outcome, long nanos) {
    end(outcome, nanos, outcome);
  }

  /** Ends the attempt without any effect on the endpoint's record. */
  @Override
  public void released() {
    if (!ends()) {
      return;
    }
    endpoint.end();
    if (inner != null) {
      inner.released();
    }
  }

  private boolean ends() {
    return hasEnded == 0 && HAS_ENDED.compareAndSet(this, 0, 1);
  }

  /** Holds a permit too, which ends with this one. */
  void hold(Permit permit) {
    inner = permit;
  }

  /** Whether this attempt, or one before it, went to an endpoint. */
  boolean hasTried(Endpoint<E> other) {
    EndpointPermit<E> each = this;
    while (each != null) {
      if (each.endpoint == other) {
        return true;
      }
      each = each.before;
    }
    return false;
  }

  boolean isAt(Endpoint<E> other) {
    return endpoint == other;
  }

  /**
   * Ends the permit of an attempt. A failure of another remote, to which the work of the attempt
   * made a call, one of the classifier, and an unchecked exception that the classifier does not
   * know say nothing about the endpoint: they count neither as its failure nor as its success.
   */
  static void end(Permit permit, CallOutcome outcome, @Nullable Throwable thrown, long nanos) {
    if (permit instanceof EndpointPermit<?> chosen) {
      boolean isOthers =
          thrown instanceof CallException
              || outcome == Outcomes.UNCLASSIFIED
              || (thrown instanceof RuntimeException && outcome.status() == CallStatus.UNKNOWN);
      chosen.end(outcome, nanos, isOthers ? null : outcome);
    } else {
      permit.ended(outcome, nanos);
    }
  }

  private void end(CallOutcome outcome, long nanos, @Nullable CallOutcome own) {
    if (!ends()) {
      return;
    }
    endpoint.end();
    try {
      if (isCounted && own != null && own.status() != CallStatus.CANCELLED) {
        pool.count(endpoint, own);
      }
    } finally {
      if (inner != null) {
        inner.ended(outcome, nanos);
      }
    }
  }
}
