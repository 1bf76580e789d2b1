package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import org.jspecify.annotations.Nullable;

/**
 * Tells an outage that one record causes by itself, for example because its handler loses the
 * connection each time, from an outage of all. After some outages in a row a record is the suspect,
 * and another one probes. If that one has an outage too, nothing is proved. If it gets through, the
 * record may have met the end of an outage of all; it is believed once. The next time its outage
 * counts as a failed attempt. Guarded by the engine's lock.
 */
final class MessageOutages {

  /** Outages in a row of one record after which another one probes. */
  private static final int OUTAGES_UNTIL_SUSPECT = 3;

  /** The last record that had an outage, if it has had several in a row. */
  private @Nullable LaneEntry suspect;

  /** Whether the record's last outage is booked as a failed attempt. */
  static boolean countsAsAttempt(LaneEntry entry) {
    LaneEntry.History failures = entry.history;
    return failures != null && failures.outageCountsAsAttempt;
  }

  static String repetitionText(LaneEntry entry) {
    return ", " + entry.history().consecutiveOutages + " times in a row for message " + entry.id();
  }

  /** Returns whether another record shall be tried next. */
  boolean recordOutage(LaneEntry entry, AttemptOutcome why) {
    LaneEntry.History failures = entry.history();
    failures.consecutiveOutages++;
    boolean repeated = failures.consecutiveOutages >= OUTAGES_UNTIL_SUSPECT;
    if (repeated) {
      // In a batch it would hide among the others.
      entry.mustRunAlone = true;
    }
    boolean counts = why.kind() == AttemptOutcome.Kind.OUTAGE && failures.lastOutage != null;
    suspect = repeated && counts ? entry : null;
    return repeated;
  }

  /** Several records had an outage, and which one caused it can't be told. */
  void recordSharedOutage() {
    suspect = null;
  }

  /**
   * A record came to an outcome while the route was paused. Returns the suspect if its last outage
   * is a failed attempt of its own, which its next turn will book.
   */
  @Nullable LaneEntry resolveSuspect(LaneEntry other, Count count) {
    LaneEntry failed = suspect;
    if (failed == null || !isProof(other, count)) {
      return null;
    }
    suspect = null;
    LaneEntry.History failures = failed.history();
    Throwable outage = failures.lastOutage;
    if (failed == other || failed.state != LaneEntry.State.READY || outage == null) {
      return null;
    }
    if (!failures.wasSuspected) {
      failures.wasSuspected = true;
      return null;
    }
    failed.recordFailure(outage);
    failures.pendingOutcome = AttemptOutcome.retry(null);
    failures.outageCountsAsAttempt = true;
    return failed;
  }

  /** Whether its handler has run: a record that is expired or unreadable has reached nothing. */
  private static boolean isProof(LaneEntry entry, Count count) {
    return entry.handlerRuns > 0 && count != Count.EXPIRED && count != Count.BLOCKED;
  }
}
