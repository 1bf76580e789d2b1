package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import org.jspecify.annotations.Nullable;

/**
 * Distinguishes an outage that one record causes itself, for example because its handler loses the
 * connection each time, from an outage that concerns all records. After several outages in a row a
 * record is the suspect, and another record probes. If that one has an outage too, nothing is
 * proved. If it has an outcome, the suspect may have met the end of a real outage, which is assumed
 * once. The next time its outage counts as a failed attempt. Confined to {@link EngineState}'s
 * lock.
 */
final class MessageOutages {

  /** Outages in a row of one record after which another record probes. */
  private static final int OUTAGES_UNTIL_SUSPECT = 3;

  /** Uncounted attempts of one record that met a session of the database other than theirs. */
  static final int MAX_WRONG_SESSIONS = 20;

  /** The last record that had an outage, if it has had several in a row. */
  private @Nullable LaneEntry suspect;

  /** Whether the record's last outage counts as a failed attempt. */
  static boolean countsAsAttempt(LaneEntry entry) {
    LaneEntry.History history = entry.history;
    return history != null && history.outageCountsAsAttempt;
  }

  static String repetitionText(LaneEntry entry) {
    return ", "
        + entry.history().consecutiveOutages
        + " times in a row for message "
        + entry.shownId();
  }

  /**
   * Notes the failure of an outage that the handler or its transaction had. Returns true if it
   * counts as a failed attempt immediately. A call that was refused on this side never counts,
   * since no message causes that. A session of another connection is met at random, also several
   * times in a row and while other records succeed, so no such outage makes a suspect. Their number
   * has a bound instead, because the handler's own SQL may cause each of them.
   */
  static boolean exceedsWrongSessions(LaneEntry entry, Throwable failure) {
    LaneEntry.History history = entry.history();
    if (!Failures.isWrongSession(failure)) {
      history.lastOutage = RefusedCalls.find(failure) == null ? failure : null;
      return false;
    }
    history.lastOutage = null;
    return ++history.wrongSessions > MAX_WRONG_SESSIONS;
  }

  /** Records an outage of one record. Returns whether another record should be tried next. */
  boolean recordOutage(LaneEntry entry, AttemptOutcome why) {
    LaneEntry.History history = entry.history();
    history.consecutiveOutages++;
    boolean repeated = history.consecutiveOutages >= OUTAGES_UNTIL_SUSPECT;
    if (repeated) {
      // In a batch its outages could not be attributed to it.
      entry.mustRunAlone = true;
    }
    boolean counts = why.kind() == AttemptOutcome.Kind.OUTAGE && history.lastOutage != null;
    suspect = repeated && counts ? entry : null;
    return repeated;
  }

  /** Records an outage of several records, of which none can be suspected. */
  void recordSharedOutage() {
    suspect = null;
  }

  /**
   * A record has an outcome after the route was paused. Returns the suspect if its last outage now
   * counts as a failed attempt, which the worker that takes it next applies.
   */
  @Nullable LaneEntry resolveSuspect(LaneEntry other, Count count) {
    LaneEntry failed = suspect;
    if (failed == null || !isProof(other, count)) {
      return null;
    }
    suspect = null;
    LaneEntry.History history = failed.history();
    Throwable outage = history.lastOutage;
    if (failed == other || failed.state != LaneEntry.State.READY || outage == null) {
      return null;
    }
    if (!history.wasSuspected) {
      history.wasSuspected = true;
      return null;
    }
    failed.recordFailure(outage);
    history.pendingOutcome = AttemptOutcome.retry(null);
    history.outageCountsAsAttempt = true;
    return failed;
  }

  /** Whether its handler has run: an expired or unreadable record proves nothing. */
  private static boolean isProof(LaneEntry entry, Count count) {
    return entry.handlerRuns > 0 && count != Count.EXPIRED && count != Count.BLOCKED;
  }
}
