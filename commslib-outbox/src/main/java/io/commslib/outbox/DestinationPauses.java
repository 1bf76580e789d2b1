package io.commslib.outbox;

import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Pauses of unreachable destinations, and the time to try each again. Other destinations continue.
 * Confined to the relay's thread.
 */
final class DestinationPauses {

  /** An upper limit against overflow; the backoff has long reached its maximum. */
  private static final int MAX_COUNTED_FAILURES = 30;

  private static final class Pause {
    int failures;
    long untilNanos;

    Pause(long nowNanos) {
      this.untilNanos = nowNanos;
    }
  }

  private final CommsRuntime runtime;
  private final Backoff backoff;
  private final Map<String, Pause> pauses = new HashMap<>();

  DestinationPauses(CommsRuntime runtime, Backoff backoff) {
    this.runtime = runtime;
    this.backoff = backoff;
  }

  /**
   * A publish failed because of an outage: no row of this destination is read until the pause is
   * over. Failures during a pause do not extend it.
   *
   * @return whether the destination was reachable before
   */
  boolean failed(String destination) {
    long now = runtime.time().nanoTime();
    Pause pause = pauses.computeIfAbsent(destination, name -> new Pause(now));
    if (isOver(pause)) {
      pause.failures = Math.min(pause.failures + 1, MAX_COUNTED_FAILURES);
      pause.untilNanos = now + backoff.next(pause.failures, runtime.random()).toNanos();
      return pause.failures == 1;
    }
    return false;
  }

  /** A publish was confirmed; returns whether the destination was unreachable before. */
  boolean succeeded(String destination) {
    return !pauses.isEmpty() && pauses.remove(destination) != null;
  }

  /** The destinations whose pause is not over. */
  Set<String> paused() {
    Set<String> names = new TreeSet<>();
    pauses.forEach(
        (name, pause) -> {
          if (!isOver(pause)) {
            names.add(name);
          }
        });
    return names;
  }

  /** Destinations that failed and have not been reached since, whether or not they pause now. */
  Set<String> unreached() {
    return pauses.isEmpty() ? Set.of() : Set.copyOf(pauses.keySet());
  }

  /** Whether all destinations were reached when last tried. */
  boolean areAllReached() {
    return pauses.isEmpty();
  }

  /** The time until the next pause is over, at most {@code atMost}. */
  long nanosToNext(long atMost) {
    long next = atMost;
    for (Pause pause : pauses.values()) {
      long left = pause.untilNanos - runtime.time().nanoTime();
      if (left > 0) {
        next = Math.min(next, left);
      }
    }
    return next;
  }

  private boolean isOver(Pause pause) {
    return pause.untilNanos - runtime.time().nanoTime() <= 0;
  }
}
