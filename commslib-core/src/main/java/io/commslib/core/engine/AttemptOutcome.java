package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The outcome of one attempt, before it is applied to the lane and the broker. Immutable. */
record AttemptOutcome(Kind kind, Count count, String reason, @Nullable Duration after) {

  enum Kind {
    /** Acknowledge; nothing else is left to do. */
    FINISHED,
    /** Publish to the dead letters, then acknowledge. */
    DEAD_LETTER,
    /** A failed attempt. */
    RETRY,
    /** Give back to the broker. */
    GIVE_BACK,
    /** A dependency is unavailable: pause the route, count no attempt. */
    OUTAGE,
    /** As an outage, but this process fails. */
    JVM_FAILURE
  }

  private static final AttemptOutcome DONE =
      new AttemptOutcome(Kind.FINISHED, Count.DONE, "", null);

  static AttemptOutcome finished(Count count) {
    return count == Count.DONE ? DONE : new AttemptOutcome(Kind.FINISHED, count, "", null);
  }

  static AttemptOutcome deadLetter(Count count, String reason) {
    return new AttemptOutcome(Kind.DEAD_LETTER, count, reason, null);
  }

  static AttemptOutcome retry(@Nullable Duration after) {
    return new AttemptOutcome(Kind.RETRY, Count.WAITING, "", after);
  }

  static AttemptOutcome giveBack() {
    return new AttemptOutcome(Kind.GIVE_BACK, Count.GIVEN_BACK, "", null);
  }

  static AttemptOutcome outage(String reason) {
    return new AttemptOutcome(Kind.OUTAGE, Count.WAITING, reason, null);
  }

  static AttemptOutcome jvmFailure(String reason) {
    return new AttemptOutcome(Kind.JVM_FAILURE, Count.WAITING, reason, null);
  }

  boolean isOutage() {
    return kind == Kind.OUTAGE || kind == Kind.JVM_FAILURE;
  }
}
