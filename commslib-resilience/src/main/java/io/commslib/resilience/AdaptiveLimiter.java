package io.commslib.resilience;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Criticality;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A limit that follows the number of requests that a server can work on at the same time. One for
 * each server. Thread-safe; never blocks. It has no thread and no timer.
 *
 * <p>The algorithm is that of TCP Vegas (L. S. Brakmo, L. L. Peterson, "TCP Vegas: End to End
 * Congestion Avoidance on a Global Internet", 1995), with the bounds of Netflix'
 * concurrency-limits: from the mean time of the requests of a window and the baseline, which is the
 * mean time without a queue, it estimates how many requests wait, and it keeps that number between
 * {@code 3 log10} and {@code 6 log10} of the limit. The baseline is measured again as in BBR (N.
 * Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016): under overload the limit is
 * lowered for one window from time to time, so that the queue is empty; under light load each
 * window is such a measurement.
 *
 * <p>The limit grows only while at least half of it is in use, and a time without requests changes
 * nothing.
 */
public final class AdaptiveLimiter implements ConcurrencyLimiter {

  private final TimeSource time;
  private final LimitEstimator estimator;
  private final AtomicInteger inFlight = new AtomicInteger();

  private AdaptiveLimiter(AdaptiveLimiterConfig config, TimeSource time) {
    this.time = time;
    this.estimator = new LimitEstimator(config, time.nanoTime());
  }

  /**
   * Creates a limiter.
   *
   * @param config the bounds of the limit
   * @param runtime the clock
   * @return the limiter
   */
  public static AdaptiveLimiter create(AdaptiveLimiterConfig config, CommsRuntime runtime) {
    return new AdaptiveLimiter(Objects.requireNonNull(config, "config"), runtime.time());
  }

  /**
   * Asks for a request. The time that ends the permit begins with this call, so that it includes
   * the wait for a thread. Answers and timeouts are measured, other failures only free the permit:
   * a request that fails at once says nothing about the time that requests need.
   *
   * @return the permit, null if the limit is reached
   */
  @Override
  public @Nullable Permit tryAcquire() {
    return tryAcquire(Criticality.CRITICAL);
  }

  @Override
  public @Nullable Permit tryAcquire(Criticality criticality) {
    int now = inFlight.get();
    while (now < criticality.partOf(estimator.limit())) {
      if (inFlight.compareAndSet(now, now + 1)) {
        return new RequestPermit(now + 1, estimator.probe());
      }
      now = inFlight.get();
    }
    estimator.refused(time, now >= estimator.limit());
    return null;
  }

  @Override
  public int inFlight() {
    return inFlight.get();
  }

  @Override
  public int limit() {
    return estimator.limit();
  }

  @Override
  public String toString() {
    return "AdaptiveLimiter{limit=" + limit() + ", inFlight=" + inFlight() + "}";
  }

  private final class RequestPermit extends AtomicBoolean implements Permit {
    private static final long serialVersionUID = 1L;

    /** The number of requests with this one when it began. */
    private final int together;

    private final int probe;

    RequestPermit(int together, int probe) {
      this.together = together;
      this.probe = probe;
    }

    @Override
    public void ended(CallOutcome outcome, long nanos) {
      if (!compareAndSet(false, true)) {
        return;
      }
      inFlight.decrementAndGet();
      boolean isMeasured =
          !outcome.isCalleeFailure() || outcome.status() == CallStatus.DEADLINE_EXCEEDED;
      if (isMeasured && outcome.status() != CallStatus.CANCELLED && nanos > 0) {
        estimator.ended(nanos, together, probe, time.nanoTime());
      }
    }

    @Override
    public void released() {
      if (compareAndSet(false, true)) {
        inFlight.decrementAndGet();
      }
    }
  }
}
