package io.commslib.core.messaging;

import java.time.Duration;

/**
 * The conservation ledger of one subscription at one moment. It counts deliveries: every received
 * delivery is in exactly one of the other counts. For alerts, prefer the ages to the counts.
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
    /** Dropped or dead-lettered after its expiry. */
    EXPIRED,
    /** Dropped by the handler. */
    DROPPED,
    /** Sent to the dead letters. */
    DEAD_LETTERED,
    /** Sent to the dead letters because its key is blocked. */
    BLOCKED,
    /** Kept by the broker until its next attempt is due; it is then received again. */
    DEFERRED,
    /** Given back to the broker, or lost with its assignment before it was settled. */
    GIVEN_BACK,
    /** Waiting for a retry, or behind a waiting message of its key. */
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
   * @param oldestWaiting age of the oldest delivery waiting for a retry, zero if none
   * @param intakePaused whether a bound has paused the intake
   * @param routePaused whether an outage, a gate or the user has paused the handlers
   * @param stuckHandlers number of handlers past their deadline that have not returned
   * @param lanes number of keys with unsettled deliveries
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
   * @param count the count
   * @return 0 or more
   */
  public long count(Count count) {
    return counts[count.ordinal()];
  }

  /**
   * {@return the imbalance of the ledger, the received deliveries minus all other counts; 0 unless
   * a delivery was lost or counted twice}
   */
  public long imbalance() {
    long rest = counts[0];
    for (int i = 1; i < counts.length; i++) {
      rest -= counts[i];
    }
    return rest;
  }

  /** {@return the age of the oldest unsettled delivery; zero if there is none} */
  public Duration oldestInFlight() {
    return oldestInFlight;
  }

  /**
   * {@return the age of the oldest delivery waiting for a retry, behind which its key waits; zero
   * if there is none}
   */
  public Duration oldestWaiting() {
    return oldestWaiting;
  }

  /** {@return whether a bound has paused the intake} */
  public boolean isIntakePaused() {
    return intakePaused;
  }

  /** {@return whether an outage, a gate or the user has paused the handlers} */
  public boolean isRoutePaused() {
    return routePaused;
  }

  /** {@return the number of handlers past their deadline that have not returned} */
  public int stuckHandlers() {
    return stuckHandlers;
  }

  /** {@return the number of keys with unsettled deliveries} */
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
