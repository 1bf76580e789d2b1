package io.commslib.resilience;

import io.commslib.core.call.CallContext;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts the calls in flight of a process, with the waits between their attempts, so that a drain
 * can wait for the last ones. Calls that begin and calls that end are counted apart and in several
 * places: a call then costs two atomic additions that rarely meet those of other threads. Not
 * final, so that a test can drain in the middle of {@link #begin}.
 */
class CallsInFlight {

  /** Checked while a drain waits, and by nothing else. */
  private static final Duration POLL = Duration.ofMillis(5);

  private static final int PLACES = 16;

  /** The distance of two places, so that they are in different cache lines. */
  private static final int STRIDE = 16;

  private static final int BEGUN = 0;
  private static final int ENDED = 1;

  private enum State {
    OPEN,
    /** Only calls within attempts of calls in flight are admitted, so that these can end. */
    LAST,
    CLOSED
  }

  private final AtomicLongArray counts = new AtomicLongArray(PLACES * STRIDE);
  private volatile State state = State.OPEN;

  /**
   * Counts a call until {@link #end}, or returns false if it must not be made.
   *
   * <p>It is counted before the state is read again, and a drain changes the state before it reads
   * the counts: a call that is admitted is always waited for. The first check keeps calls that are
   * refused again and again from being counted.
   */
  boolean begin() {
    if (!admits()) {
      return false;
    }
    count(BEGUN);
    if (admits()) {
      return true;
    }
    end();
    return false;
  }

  private boolean admits() {
    State now = state;
    return now == State.OPEN || (now == State.LAST && CallContext.current().attempt() > 0);
  }

  void end() {
    count(ENDED);
  }

  void count(int count) {
    counts.getAndIncrement(place(count));
  }

  private static int place(int count) {
    return ((int) Thread.currentThread().getId() & (PLACES - 1)) * STRIDE + count;
  }

  /** The number of calls in flight; never too small, as ended calls are read first. */
  long inFlight() {
    long ended = sum(ENDED);
    return sum(BEGUN) - ended;
  }

  private long sum(int count) {
    long sum = 0;
    for (int place = 0; place < PLACES; place++) {
      sum += counts.get(place * STRIDE + count);
    }
    return sum;
  }

  boolean isOpen() {
    return state == State.OPEN;
  }

  /**
   * Waits for the calls in flight and for stopped attempts whose code has not returned, and refuses
   * all others from then on; returns whether all have ended in time.
   */
  boolean drain(Duration timeout, CommsRuntime runtime, AttemptWatch watch) {
    long end = runtime.time().nanoTime() + Timeouts.nanos(timeout);
    if (isOpen()) {
      state = State.LAST;
    }
    try {
      while (inFlight() > 0 || watch.overrunning() > 0) {
        long left = end - runtime.time().nanoTime();
        if (left <= 0) {
          return false;
        }
        runtime.pause(Duration.ofNanos(Math.min(left, POLL.toNanos())));
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      state = State.CLOSED;
    }
  }
}
