package io.commslib.resilience;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a pool knows of one of its endpoints: attempts in flight, failures in a row, and the time
 * for which it is left out or gets less than its share. Thread-safe.
 */
final class Endpoint<E> {

  /** Failures in a row after which an endpoint is left out. */
  static final int MAX_FAILURES = 5;

  static final Duration FIRST_EJECTION = Duration.ofSeconds(5);
  private static final int MAX_EJECTION_FACTOR = 12;

  /** The time in which a new endpoint gets from a tenth of its share to all of it. */
  static final Duration SLOW_START = Duration.ofSeconds(10);

  final E address;
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicInteger ejections = new AtomicInteger();
  private volatile boolean ejected;
  private volatile long ejectedUntil;

  /** The start of the slow start; meaningless unless {@link #isWarm} is false. */
  private volatile long since;

  private volatile boolean isWarm;

  Endpoint(E address, boolean isWarm, long now) {
    this.address = address;
    this.isWarm = isWarm;
    this.since = now;
  }

  int inFlight() {
    return inFlight.get();
  }

  void begin() {
    inFlight.incrementAndGet();
  }

  void end() {
    inFlight.decrementAndGet();
  }

  boolean isEjected() {
    return ejected;
  }

  /** Whether it takes attempts; one whose time is over comes back with a slow start. */
  boolean isOpen(long now) {
    if (!ejected) {
      return true;
    }
    if (now - ejectedUntil < 0) {
      return false;
    }
    failures.set(0);
    since = now;
    isWarm = false;
    ejected = false;
    return true;
  }

  /** Whether it gets all of its share. */
  boolean isSteady() {
    return isWarm && !ejected;
  }

  /** The share of attempts for which it is considered, from a tenth to 1. */
  double share(long now) {
    if (isWarm) {
      return 1;
    }
    double share = (now - since) / (double) SLOW_START.toNanos();
    if (share >= 1) {
      isWarm = true;
    }
    return Math.max(0.1, share);
  }

  void succeeded() {
    failures.set(0);
    ejections.set(0);
  }

  /** Counts a failure; returns whether there are too many in a row. */
  boolean failed() {
    return failures.incrementAndGet() >= MAX_FAILURES;
  }

  /** The time for which it is to be left out, longer each time until it succeeds again. */
  Duration nextEjection() {
    return FIRST_EJECTION.multipliedBy(Math.min(MAX_EJECTION_FACTOR, ejections.incrementAndGet()));
  }

  void ejectUntil(long nanos) {
    ejectedUntil = nanos;
    ejected = true;
  }
}
