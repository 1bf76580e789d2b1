package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.wire.WireMessage;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * One unsettled record and what is known of its attempts. Its place in the lanes is guarded by the
 * engine's lock; the rest is written by the worker that has it.
 */
final class LaneEntry {

  enum State {
    /** Stands behind another record of its key. */
    QUEUED,
    /** Wants a worker. */
    READY,
    /** In a handler or on its way to the dead letters. */
    ACTIVE,
    /** Waits for a retry. */
    WAITING,
    /** Settled or forgotten. */
    GONE
  }

  final RawDelivery raw;
  final long receivedNanos;

  /** Null for a record without key. */
  final @Nullable Lane lane;

  State state = State.QUEUED;

  /** Neighbours by age among all unsettled ones. */
  @Nullable LaneEntry older;

  @Nullable LaneEntry younger;

  /** The next one of the same key. */
  @Nullable LaneEntry nextInLane;

  /** Neighbours among those that want a worker. */
  @Nullable LaneEntry previousReady;

  @Nullable LaneEntry nextReady;

  /** Place among the active ones, while active. */
  int activeIndex;

  /** Must not share a batch: it runs alone, or it was in a batch that failed. */
  boolean mustRunAlone;

  /** What a worker does with a record; a record that stays in one for long is named in health. */
  enum Phase {
    READING("reading the record"),
    ATTEMPT_NOTE("the note that an attempt begins"),
    KEY_STORE("the store of blocked keys"),
    INBOX("the transaction's begin or the inbox"),
    HANDLER("the handler"),
    COMMIT("the commit"),
    CLASSIFIER("the classifier"),
    SETTLING("the settlement"),
    DEAD_LETTER("the dead-letter publish"),
    DELAY_STORE("the delay store");

    final String text;

    Phase(String text) {
      this.text = text;
    }
  }

  private static final VarHandle PHASE = phaseHandle();

  /** Written by the worker, read by the watchdog now and then: a release suffices. */
  @SuppressWarnings("UnusedVariable")
  private Phase phase = Phase.READING;

  /**
   * Changes each time a worker takes the record. A short fits into padding that the object has
   * anyway; it repeats after 65,536 changes, which no comparison spans. Guarded by the engine's
   * lock, like the fields below.
   */
  short activation;

  /** Its scope is lost: nobody wants its settlement any more. */
  volatile boolean revoked;

  /** The handler's run, while there is one. */
  volatile @Nullable Execution execution;

  /** Attempts that reached the handler, the running one included, outages not. */
  int handlerRuns;

  /** Null until decoded. */
  @Nullable Message message;

  /** Null until something has failed. */
  @Nullable History history;

  /** What went wrong with a record so far. */
  static final class History {
    /** Attempts that failed in this process. */
    int failedAttempts;

    @Nullable String firstCause;
    @Nullable Throwable lastFailure;

    /** Set once the record is to be dead-lettered; kept over failed tries to do so. */
    @Nullable WireMessage deadLetter;

    /** Why it is dead-lettered. */
    String deadLetterReason = "";

    /** How much of the letter has been cut since its target refused it; counts from 0. */
    int deadLetterForm;

    /** Tries that were refused although all was cut that can be. */
    int deadLetterRefusals;

    Count deadLetterCount = Count.DEAD_LETTERED;

    /** Level of the hold on its key, if that is why it goes to the dead letters. */
    int blockLevel;

    /** Failed tries while a flood of dead letters paused the route. */
    int stormProbes;

    /** The outcome that is known already and still to be applied, by the record alone. */
    @Nullable AttemptOutcome pendingOutcome;

    /** Attempts in a row that have ended in an outage. */
    int consecutiveOutages;

    /** The failure of the last outage that the handler or its transaction had, else null. */
    @Nullable Throwable lastOutage;

    /** Whether another record has got through between two such outages. */
    boolean wasSuspected;

    /** Whether {@link #pendingOutcome} is an outage that counts as a failed attempt. */
    boolean outageCountsAsAttempt;
  }

  LaneEntry(RawDelivery raw, @Nullable Lane lane, long receivedNanos) {
    this.raw = raw;
    this.mustRunAlone = raw.runsAlone();
    this.lane = lane;
    this.receivedNanos = receivedNanos;
  }

  private static VarHandle phaseHandle() {
    try {
      return MethodHandles.lookup().findVarHandle(LaneEntry.class, "phase", Phase.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  void enter(Phase next) {
    PHASE.setRelease(this, next);
  }

  Phase phase() {
    return (Phase) PHASE.getAcquire(this);
  }

  int failedAttempts() {
    History known = history;
    return known == null ? 0 : known.failedAttempts;
  }

  int attemptNumber() {
    return raw.priorDeliveries() + failedAttempts() + 1;
  }

  String id() {
    Message known = message;
    return known == null ? raw.positionText() : known.id();
  }

  History history() {
    History known = history;
    if (known == null) {
      known = new History();
      history = known;
    }
    return known;
  }

  void recordFailure(Throwable failure) {
    History known = history();
    known.lastFailure = failure;
    if (known.firstCause == null) {
      known.firstCause = Failures.text(failure);
    }
  }
}
