package io.commslib.core.messaging;

import java.time.Duration;

/**
 * The conservation ledger of one subscription at one moment, per delivery: everything received is
 * in exactly one of the other counts. Ages come before counts when something must be watched.
 * Immutable.
 */
public final class SubscriptionSnapshot {

  /** The counts of the ledger. */
  public enum Count {
    /** Deliveries taken from the broker. */
    RECEIVED,
    /** Handled. */
    DONE,
    /** Recognised by the inbox as handled before. */
    DUPLICATE,
    /** Past their expiry, dropped or dead-lettered. */
    EXPIRED,
    /** Dropped by the handler. */
    DROPPED,
    /** Sent to the dead letters. */
    DEAD_LETTERED,
    /** Sent behind a parked key. */
    BLOCKED,
    /** Kept by the broker until its next attempt is due; then it is received again. */
    DEFERRED,
    /** Given back to the broker, or lost with their assignment before they ended. */
    GIVEN_BACK,
    /** Waiting for a retry, or behind one that waits. */
    WAITING,
    /** In a lane or in a handler. */
    IN_FLIGHT
  }

  private final long[] counts;
  private final Duration oldestInFlight;
  private final Duration oldestWaiting;
  private final boolean intakePaused;
  private final boolean routePaused;
  private final int stuckHandlers;
  private final int lanes;

  /**
   * Creates a snapshot; for engines.
   *
   * @param counts one number per {@link Count}, in declaration order
   * @param oldestInFlight age of the oldest unsettled delivery, zero if none
   * @param oldestWaiting age of the oldest delivery that waits for a retry, zero if none
   * @param intakePaused whether a bound has paused the intake
   * @param routePaused whether an outage, a gate or the user has paused the handlers
   * @param stuckHandlers handlers that overran their deadline and have not returned
   * @param lanes keys that have unsettled deliveries
   */
  public SubscriptionSnapshot(
      long[] counts,
      Duration oldestInFlight,
      Duration oldestWaiting,
      boolean intakePaused,
      boolean routePaused,
      int stuckHandlers,
      int lanes) {
    this.counts = counts.clone();
    this.oldestInFlight = oldestInFlight;
    this.oldestWaiting = oldestWaiting;
    this.intakePaused = intakePaused;
    this.routePaused = routePaused;
    this.stuckHandlers = stuckHandlers;
    this.lanes = lanes;
  }

  /**
   * Returns one count of the ledger.
   *
   * @param count which
   * @return 0 or more
   */
  public long count(Count count) {
    return counts[count.ordinal()];
  }

  /**
   * Returns how far the ledger is out of balance: received minus all others.
   *
   * @return 0 unless a delivery was lost or counted twice
   */
  public long imbalance() {
    long rest = counts[0];
    for (int i = 1; i < counts.length; i++) {
      rest -= counts[i];
    }
    return rest;
  }

  /**
   * Returns the age of the oldest unsettled delivery.
   *
   * @return zero if there is none
   */
  public Duration oldestInFlight() {
    return oldestInFlight;
  }

  /**
   * Returns the age of the oldest delivery that waits for a retry, and holds its key with that.
   *
   * @return zero if there is none
   */
  public Duration oldestWaiting() {
    return oldestWaiting;
  }

  /**
   * Returns whether a bound has paused the intake.
   *
   * @return true while paused
   */
  public boolean isIntakePaused() {
    return intakePaused;
  }

  /**
   * Returns whether an outage, a gate or the user has paused the handlers.
   *
   * @return true while paused
   */
  public boolean isRoutePaused() {
    return routePaused;
  }

  /**
   * Returns how many handlers overran their deadline and have not returned.
   *
   * @return 0 or more
   */
  public int stuckHandlers() {
    return stuckHandlers;
  }

  /**
   * Returns how many keys have unsettled deliveries.
   *
   * @return 0 or more
   */
  public int lanes() {
    return lanes;
  }

  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder("SubscriptionSnapshot{oldestInFlight=")
            .append(oldestInFlight)
            .append(", oldestWaiting=")
            .append(oldestWaiting);
    for (Count count : Count.values()) {
      text.append(", ").append(count).append('=').append(counts[count.ordinal()]);
    }
    return text.append(", intakePaused=")
        .append(intakePaused)
        .append(", routePaused=")
        .append(routePaused)
        .append(", stuckHandlers=")
        .append(stuckHandlers)
        .append(", lanes=")
        .append(lanes)
        .append('}')
        .toString();
  }
}
