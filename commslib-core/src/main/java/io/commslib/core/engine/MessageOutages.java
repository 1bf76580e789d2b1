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
  private static final int PROBES = 3;

  /** The last record that had an outage, if it has had several in a row. */
  private @Nullable LaneEntry suspect;

  /** Whether the record's last outage is booked as a failed attempt. */
  static boolean isCounted(LaneEntry entry) {
    LaneEntry.History failures = entry.failures;
    return failures != null && failures.outageCounts;
  }

  static String text(LaneEntry entry) {
    return ", " + entry.failures().outages + " times in a row for message " + entry.id();
  }

  /** Returns whether another record shall be tried next. */
  boolean failed(LaneEntry entry, AttemptOutcome why) {
    LaneEntry.History failures = entry.failures();
    failures.outages++;
    boolean repeated = failures.outages >= PROBES;
    if (repeated) {
      // In a batch it would hide among the others.
      entry.single = true;
    }
    boolean counts = why.kind() == AttemptOutcome.Kind.OUTAGE && failures.outage != null;
    suspect = repeated && counts ? entry : null;
    return repeated;
  }

  /** Several records had an outage, and which one caused it can't be told. */
  void failedTogether() {
    suspect = null;
  }

  /**
   * A record came to an outcome while the route was paused. Returns the suspect if its last outage
   * is a failed attempt of its own, which its next turn will book.
   */
  @Nullable LaneEntry gotThrough(LaneEntry other, Count count) {
    LaneEntry failed = suspect;
    if (failed == null || !isProof(other, count)) {
      return null;
    }
    suspect = null;
    LaneEntry.History failures = failed.failures();
    Throwable outage = failures.outage;
    if (failed == other || failed.state != LaneEntry.State.READY || outage == null) {
      return null;
    }
    if (!failures.suspected) {
      failures.suspected = true;
      return null;
    }
    failed.failed(outage);
    failures.decided = AttemptOutcome.retry(null);
    failures.outageCounts = true;
    return failed;
  }

  /** Whether its handler has run: a record that is expired or unreadable has reached nothing. */
  private static boolean isProof(LaneEntry entry, Count count) {
    return entry.attempts > 0 && count != Count.EXPIRED && count != Count.BLOCKED;
  }
}
