package io.commslib.resilience;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.CommsRuntime;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A circuit breaker whose window is Resilience4j's and whose other states are its own: a permit
 * belongs to the phase that gave it, so that a late outcome of an earlier phase moves nothing;
 * probes have a lease, so that none is lost; and the open time grows and has jitter, so that the
 * instances of a service do not probe together. Phases change on demand, without a timer.
 */
final class PhaseBreaker implements CircuitBreaker {

  /** The share of the open time that is added or taken at random, in per cent. */
  private static final int JITTER_PERCENT = 20;

  /** Resilience4j decides by its own predicates; this failure always counts. */
  private static final Exception COUNTED =
      new Exception("a failed attempt", null, false, false) {
        private static final long serialVersionUID = 1L;
      };

  /** Receives each change of phase, on the thread that caused it. */
  interface Listener {
    void changed(State from, State to, CallOutcome cause, Duration open);
  }

  private final CommsRuntime runtime;
  private final Listener listener;
  private final String name;
  private final AtomicReference<Phase> phase;
  private volatile Settings settings;

  /**
   * What a policy determines.
   *
   * @param leaseNanos the time after which a probe that has not ended is taken for lost
   */
  private record Settings(CircuitBreakerConfig config, long leaseNanos) {}

  PhaseBreaker(
      String name,
      CircuitBreakerConfig config,
      Duration lease,
      CommsRuntime runtime,
      Listener listener) {
    this.name = name;
    this.runtime = runtime;
    this.listener = listener;
    this.settings = new Settings(config, lease.toNanos());
    this.phase = new AtomicReference<>(closed(State.CLOSED));
  }

  /** A window for one closed phase: a late count of an earlier phase reaches the earlier window. */
  private io.github.resilience4j.circuitbreaker.CircuitBreaker window() {
    CircuitBreakerConfig config = settings.config;
    var builder =
        io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.custom()
            .slidingWindow(
                (int) config.window().toSeconds(),
                config.minAttempts(),
                SlidingWindowType.TIME_BASED)
            .failureRateThreshold(config.failurePercent())
            .waitDurationInOpenState(Duration.ofDays(365))
            .clock(new MonotonicClock(runtime.time()))
            .writableStackTraceEnabled(false);
    return io.github.resilience4j.circuitbreaker.CircuitBreaker.of(name, builder.build());
  }

  /** Replaces the settings. The phase stays; a changed window starts empty. */
  void settings(CircuitBreakerConfig config, Duration lease) {
    Settings now = settings;
    boolean sameWindow =
        now.config.window().equals(config.window())
            && now.config.minAttempts() == config.minAttempts()
            && now.config.failurePercent() == config.failurePercent();
    settings = new Settings(config, lease.toNanos());
    Phase current = phase.get();
    if (!sameWindow && current.state == State.CLOSED) {
      // If it fails, the phase has just changed, and the next closed one has the new settings.
      phase.compareAndSet(current, closed(State.CLOSED));
    }
  }

  @Override
  public @Nullable Permit tryAcquire() {
    Permit permit = enter(runtime.time().nanoTime(), 0);
    return permit instanceof ClosedPermit closed ? new PhasePermit(closed.phase, -1, 0) : permit;
  }

  /**
   * As {@link #tryAcquire}, for a caller that ends a permit exactly once: all attempts of a closed
   * phase share one permit.
   *
   * @param leaseNanos the time of the attempt, if it may last longer than others
   */
  @Nullable Permit enter(long nowNanos, long leaseNanos) {
    while (true) {
      Phase now = phase.get();
      switch (now.state) {
        case CLOSED, DISABLED:
          return now.shared;
        case FORCED_OPEN:
          return null;
        case OPEN:
          if (nowNanos - now.endsNanos < 0) {
            return null;
          }
          startProbing(now);
          break;
        default:
          return now.probe(nowNanos, Math.max(leaseNanos, settings.leaseNanos), this);
      }
    }
  }

  /** As {@link #enter}, but null in each phase that is not closed. */
  @Nullable Permit enterClosed() {
    return phase.get().shared;
  }

  /** A phase that has no end of its own. */
  private Phase closed(State state) {
    Phase next = new Phase(state, 0, 0, 0);
    next.shared = state == State.FORCED_OPEN ? null : new ClosedPermit(next);
    next.window = state == State.CLOSED ? window() : null;
    return next;
  }

  private void startProbing(Phase open) {
    Phase next = new Phase(State.HALF_OPEN, open.failures, 0, settings.config.probes());
    if (phase.compareAndSet(open, next)) {
      listener.changed(State.OPEN, State.HALF_OPEN, Outcomes.NONE, Duration.ZERO);
    }
  }

  @Override
  public State state() {
    return phase.get().state;
  }

  @Override
  public Duration retryAfter() {
    Phase now = phase.get();
    return switch (now.state) {
      case OPEN -> Duration.ofNanos(Math.max(0, now.endsNanos - runtime.time().nanoTime()));
      case FORCED_OPEN -> settings.config.maxOpenTime();
      case HALF_OPEN ->
          now.hasFreeProbe(runtime.time().nanoTime()) ? Duration.ZERO : settings.config.openTime();
      default -> Duration.ZERO;
    };
  }

  /** Whether an attempt would be admitted now. */
  boolean admits() {
    return retryAfter().isZero();
  }

  /** Changes the phase by the operator's choice: CLOSED, DISABLED or FORCED_OPEN. */
  void force(State state) {
    Phase before = phase.getAndSet(closed(state));
    if (before.state != state) {
      listener.changed(before.state, state, Outcomes.NONE, Duration.ZERO);
    }
  }

  private void ended(PhasePermit permit, CallOutcome outcome, long nanos) {
    Phase of = permit.phase;
    if (of.state != State.HALF_OPEN) {
      counted(of, outcome, nanos);
    } else if (phase.get() == of) {
      probed(permit, outcome);
    }
  }

  /** Counts an outcome of the closed phase that is current; every other one counts nothing. */
  private void counted(Phase closed, CallOutcome outcome, long nanos) {
    var window = closed.window;
    if (window == null || phase.get() != closed) {
      return;
    }
    if (!outcome.isCalleeFailure()) {
      window.onSuccess(nanos, TimeUnit.NANOSECONDS);
    } else {
      closed.lastFailure = outcome;
      window.onError(nanos, TimeUnit.NANOSECONDS, COUNTED);
    }
    if (window.getState() == io.github.resilience4j.circuitbreaker.CircuitBreaker.State.OPEN) {
      open(closed, closed.causeOr(outcome), 1);
    }
  }

  private void probed(PhasePermit permit, CallOutcome outcome) {
    Phase probing = permit.phase;
    if (outcome.isCalleeFailure()) {
      probing.lastFailure = outcome;
    }
    int failed = probing.probeEnded(permit, outcome.isCalleeFailure());
    if (failed < 0) {
      return;
    }
    if (failed * 100 >= settings.config.failurePercent() * probing.probes) {
      open(probing, probing.causeOr(outcome), probing.failures + 1);
    } else if (phase.compareAndSet(probing, closed(State.CLOSED))) {
      listener.changed(State.HALF_OPEN, State.CLOSED, outcome, Duration.ZERO);
    }
  }

  private void open(Phase before, CallOutcome cause, int failures) {
    CircuitBreakerConfig config = settings.config;
    long nanos = config.openTime().toNanos();
    long most = config.maxOpenTime().toNanos();
    for (int i = 1; i < failures && nanos < most; i++) {
      nanos = Math.min(most, nanos * 2);
    }
    long jitter = nanos * JITTER_PERCENT / 100;
    nanos += runtime.random().nextLong(2 * jitter + 1) - jitter;
    Phase next = new Phase(State.OPEN, failures, runtime.time().nanoTime() + nanos, 0);
    if (phase.compareAndSet(before, next)) {
      listener.changed(before.state, State.OPEN, cause, Duration.ofNanos(nanos));
    }
  }

  /** A phase from one change of state to the next. */
  private static final class Phase {
    private static final long FREE = Long.MIN_VALUE;
    private static final long DONE = Long.MIN_VALUE + 1;

    private final State state;

    /** The number of times in a row that the breaker has opened. */
    private final int failures;

    /** The end of an open phase. */
    private final long endsNanos;

    private final int probes;

    /** For each probe of a half-open phase: free, done, or the end of its lease. */
    private final long[] leases;

    private final int[] serials;

    /** The permit of all attempts of a closed phase; set before the phase is published. */
    private @Nullable ClosedPermit shared;

    /** Counts the attempts of a closed phase; set before the phase is published. */
    private io.github.resilience4j.circuitbreaker.@Nullable CircuitBreaker window;

    /** Why it opens: the outcome that completes a window or a round may be a success. */
    private volatile @Nullable CallOutcome lastFailure;

    private int ended;
    private int failed;

    Phase(State state, int failures, long endsNanos, int probes) {
      this.state = state;
      this.failures = failures;
      this.endsNanos = endsNanos;
      this.probes = probes;
      this.leases = new long[probes];
      this.serials = new int[probes];
      Arrays.fill(leases, FREE);
    }

    /** The last failure of the phase, or the outcome if it has none. */
    CallOutcome causeOr(CallOutcome outcome) {
      CallOutcome known = lastFailure;
      return known == null ? outcome : known;
    }

    synchronized @Nullable PhasePermit probe(long now, long leaseNanos, PhaseBreaker breaker) {
      for (int i = 0; i < probes; i++) {
        if (isFree(i, now)) {
          // DONE and FREE are no readings that a clock shows within this process' life.
          leases[i] = now + leaseNanos;
          serials[i]++;
          return breaker.new PhasePermit(this, i, serials[i]);
        }
      }
      return null;
    }

    synchronized boolean hasFreeProbe(long now) {
      for (int i = 0; i < probes; i++) {
        if (isFree(i, now)) {
          return true;
        }
      }
      return false;
    }

    private boolean isFree(int probe, long now) {
      long lease = leases[probe];
      return lease == FREE || (lease != DONE && now - lease >= 0);
    }

    /** Whether the lease of this probe has gone to another one. */
    private boolean isVoid(PhasePermit permit) {
      return serials[permit.probe] != permit.serial;
    }

    /** Returns the number of failed probes once all have ended, otherwise -1. */
    synchronized int probeEnded(PhasePermit permit, boolean failure) {
      if (isVoid(permit)) {
        return -1;
      }
      leases[permit.probe] = DONE;
      ended++;
      failed += failure ? 1 : 0;
      return ended == probes ? failed : -1;
    }

    synchronized void probeReleased(PhasePermit permit) {
      if (!isVoid(permit)) {
        leases[permit.probe] = FREE;
      }
    }
  }

  /** The permit of a closed phase, which has no state of its own. */
  private final class ClosedPermit implements Permit {
    private final Phase phase;

    ClosedPermit(Phase phase) {
      this.phase = phase;
    }

    @Override
    public void ended(CallOutcome outcome, long nanos) {
      counted(phase, outcome, nanos);
    }

    @Override
    public void released() {
      // Nothing is held.
    }
  }

  /** A permit of one phase; a probe's permit is void once its lease went to another one. */
  private final class PhasePermit extends AtomicBoolean implements Permit {
    private static final long serialVersionUID = 1L;

    private final transient Phase phase;
    private final int probe;
    private final int serial;

    PhasePermit(Phase phase, int probe, int serial) {
      this.phase = phase;
      this.probe = probe;
      this.serial = serial;
    }

    @Override
    public void ended(CallOutcome outcome, long nanos) {
      if (compareAndSet(false, true)) {
        PhaseBreaker.this.ended(this, outcome, nanos);
      }
    }

    @Override
    public void released() {
      if (compareAndSet(false, true) && probe >= 0) {
        phase.probeReleased(this);
      }
    }
  }
}
