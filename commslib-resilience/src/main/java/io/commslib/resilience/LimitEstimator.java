package io.commslib.resilience;

import io.commslib.core.time.TimeSource;

/**
 * Computes the limit of an {@link AdaptiveLimiter} from windows of requests. A window is either
 * normal or a probe, which measures the baseline with a limit at which nothing waits. Thread-safe.
 */
final class LimitEstimator {

  /** The share of a changed mean that a light window adds to the baseline. */
  private static final double LIGHT_WEIGHT = 0.3;

  /** A mean that is so many standard errors below the baseline is no accident. */
  private static final double FASTER_ERRORS = 3.5;

  /** The smallest share of the limit that one window leaves. */
  private static final double LEAST_LEFT = 0.7;

  /** Windows of slow servers end earlier, after a second with as many requests. */
  private static final int MIN_SAMPLES = 20;

  /** The share of the limit in a probe: with a limit of up to twice the workers nothing waits. */
  private static final double PROBE_LIMIT = 0.4;

  /** A probe of requests that hang ends after so many times their last mean. */
  private static final int PROBE_TIMES = 10;

  private static final long SECOND = 1_000_000_000L;

  /** The time between two probes is at least so many times that of the last one. */
  private static final int PROBE_DISTANCE = 10;

  private final AdaptiveLimiterConfig config;
  private final long intervalNanos;

  /** The limit in force, which a probe lowers. */
  private volatile int limit;

  /** The number of the running probe; 0 in a normal window. */
  private volatile int probe;

  private volatile boolean hasRefused;

  /** The time at which a probe ends even without a result. */
  private volatile long probeEndsNanos;

  // The rest is guarded by this object.
  private double estimate;

  /** The highest estimate since the last probe. */
  private double peak;

  private double baselineNanos;
  private long nextProbeNanos;
  private int probes;
  private int toSkip;
  private long startNanos;
  private double sumNanos;
  private int samples;
  private int together;

  LimitEstimator(AdaptiveLimiterConfig config, long nowNanos) {
    this.config = config;
    this.intervalNanos = config.baselineInterval().toNanos();
    this.estimate = config.initialLimit();
    this.peak = estimate;
    this.limit = config.initialLimit();
    this.nextProbeNanos = nowNanos;
    this.startNanos = nowNanos;
  }

  int limit() {
    return limit;
  }

  int probe() {
    return probe;
  }

  /** A request found no permit; the limit is full unless the last permits are kept for others. */
  void refused(TimeSource time, boolean isFull) {
    if (isFull && !hasRefused) {
      hasRefused = true;
    }
    if (probe == 0) {
      return;
    }
    // Requests that hang must not keep the lowered limit in force.
    long now = time.nanoTime();
    if (now - probeEndsNanos >= 0) {
      endOverdueProbe(now);
    }
  }

  private synchronized void endOverdueProbe(long now) {
    if (probe != 0 && now - probeEndsNanos >= 0) {
      endProbe(now);
    }
  }

  /**
   * A request has ended.
   *
   * @param nanos its time
   * @param inFlight the number of requests when it began, itself included
   * @param begunIn the probe in which it began, or 0
   */
  synchronized void ended(long nanos, int inFlight, int begunIn, long now) {
    if (probe != 0) {
      endedInProbe(nanos, begunIn, now);
      return;
    }
    add(nanos);
    together = Math.max(together, inFlight);
    if (isComplete(now)) {
      endWindow(now);
    }
  }

  private void add(long nanos) {
    samples++;
    sumNanos += nanos;
  }

  private boolean isComplete(long now) {
    return samples >= enough() || (samples >= MIN_SAMPLES && now - startNanos >= SECOND);
  }

  /**
   * Returns the number of requests after which two standard errors of the mean are half of what may
   * wait. Service times are taken for exponentially distributed.
   */
  private int enough() {
    double errors = 4 * estimate / mostWaiting();
    return Math.max(config.windowSamples(), (int) (errors * errors));
  }

  private void startWindow(long now) {
    startNanos = now;
    samples = 0;
    sumNanos = 0;
    together = 0;
    hasRefused = false;
  }

  private void endWindow(long now) {
    double mean = sumNanos / samples;
    double faster = baselineNanos * (1 - FASTER_ERRORS / Math.sqrt(samples));
    int used = together;
    boolean wasFull = hasRefused;
    startWindow(now);
    boolean isDue = now - nextProbeNanos >= 0 || estimate <= peak / 2;
    if (wasFull && isDue) {
      startProbe(mean, now);
      return;
    }
    if (baselineNanos == 0 || mean < faster) {
      baselineNanos = mean;
    } else if (used * 2 < estimate) {
      // So few requests do not wait for one another.
      baselineNanos += (mean - baselineNanos) * LIGHT_WEIGHT;
    }
    adjust(mean, used);
  }

  private void adjust(double mean, int used) {
    double waiting = Math.max(0, used * (1 - baselineNanos / mean));
    double most = mostWaiting();
    double least = most / 2;
    double next = estimate;
    if (waiting > most) {
      next = Math.max(estimate * LEAST_LEFT, estimate - Math.max(1, (waiting - most) / 2));
    } else if (waiting < least && used * 2 >= estimate) {
      next = estimate + Math.max(1, (least - waiting) / 2);
    }
    estimate = Math.max(config.minLimit(), Math.min(config.maxLimit(), next));
    peak = Math.max(peak, estimate);
    limit = (int) estimate;
  }

  /** The number of requests that may wait, so that no worker is without work. */
  private double mostWaiting() {
    return 6 * Math.max(0.5, Math.log10(estimate));
  }

  private void startProbe(double mean, long now) {
    peak = estimate;
    // If the limit is right, nothing waits then; if it is too high, the next baseline is lower.
    limit = Math.max(config.minLimit(), (int) (estimate * PROBE_LIMIT));
    toSkip = limit;
    probeEndsNanos = now + Math.max(intervalNanos, (long) (PROBE_TIMES * mean));
    probes = Math.max(1, probes + 1);
    probe = probes;
  }

  /** The first requests of a probe that end are the short ones, so they do not count. */
  private void endedInProbe(long nanos, int begunIn, long now) {
    if (begunIn == probe) {
      if (toSkip > 0) {
        toSkip--;
      } else {
        add(nanos);
      }
    }
    boolean isSlow = samples * 2 >= config.windowSamples() && now - startNanos >= intervalNanos / 3;
    if (samples >= enough() || isSlow || now - probeEndsNanos >= 0) {
      endProbe(now);
    }
  }

  private void endProbe(long now) {
    if (samples >= MIN_SAMPLES) {
      baselineNanos = sumNanos / samples;
    }
    limit = (int) estimate;
    probe = 0;
    long took = now - startNanos;
    nextProbeNanos = now + Math.max(intervalNanos, PROBE_DISTANCE * took);
    startWindow(now);
  }
}
