package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * One unsettled record, its place in the lanes and its attempts. The place is changed by {@link
 * Lanes} only, under {@link EngineState}'s lock. The rest is written by the worker that has the
 * record, or under the lock while no worker has it.
 */
final class LaneEntry {

  enum State {
    /** Queued behind another record of its key. */
    QUEUED,
    /** Ready for a worker. */
    READY,
    /** A worker has it, or a publish of it is in progress. */
    ACTIVE,
    /** Waits for a retry. */
    WAITING,
    /** It has left the engine. */
    GONE
  }

  private static final int MAX_SHOWN_CHARS = 128;

  final RawDelivery raw;
  final long receivedNanos;

  /** Null for a record without key. */
  final @Nullable Lane lane;

  State state = State.QUEUED;

  /** Neighbours by age among all unsettled records. */
  @Nullable LaneEntry older;

  @Nullable LaneEntry younger;

  /** The next one of the same key. */
  @Nullable LaneEntry nextInLane;

  /** Neighbours among the ready records. */
  @Nullable LaneEntry previousReady;

  @Nullable LaneEntry nextReady;

  /** Index among the active records, while active. */
  int activeIndex;

  /** Must not share a batch: its delivery runs alone, or its previous batch rolled back. */
  boolean mustRunAlone;

  /** A step of a worker with a record. Health names a record that stays in one too long. */
  enum Phase {
    READING("reading the record"),
    ATTEMPT_NOTE("the note of the attempt's beginning"),
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

  /** Written by the worker and read by the watchdog, for which release and acquire suffice. */
  @SuppressWarnings("UnusedVariable")
  private Phase phase = Phase.READING;

  /**
   * Changes each time a worker takes the record. A short fits into padding that the object has
   * anyway; it repeats after 65,536 changes, which no comparison spans.
   */
  short activation;

  /** Its scope is lost, so its settlement is dropped. */
  volatile boolean revoked;

  /** The run of the handler, while it lasts. */
  volatile @Nullable Execution execution;

  /** Runs of the handler, including the current one and excluding those that met an outage. */
  int handlerRuns;

  /** Null until decoded. */
  @Nullable Message message;

  /** Null until something fails. */
  @Nullable History history;

  /** The failures of a record so far. */
  static final class History {
    /** Attempts that failed, including those before a deferral. */
    int failedAttempts;

    @Nullable String firstCause;
    @Nullable Throwable lastFailure;

    /** Set once the record is to be dead-lettered; kept over publishes that fail. */
    @Nullable ForeignRecord deadLetter;

    /** The reason for which it is dead-lettered. */
    String deadLetterReason = "";

    /** The form of the dead letter, from 0 on: each one that the target refuses is cut more. */
    int deadLetterForm;

    /** Publishes of the smallest form that the target refused. */
    int deadLetterRefusals;

    Count deadLetterCount = Count.DEAD_LETTERED;

    /** Level of the block of its key, if it is dead-lettered for that. */
    int blockLevel;

    /** Times that it had to wait here, since there are no dead letters. */
    int waitsWithoutDeadLetters;

    /** The reason of the last such wait. */
    String waitReason = "";

    /** Whether it has stopped the route. */
    boolean stopsRoute;

    /** Whether it is tried although it seems to crash its process. */
    boolean isTriedByUser;

    /** Whether it is unreadable and may be dead-lettered nevertheless. */
    boolean passedUnreadableWatch;

    /** Failed attempts during a dead-letter storm. */
    int stormProbes;

    /** An outcome that is already known and applied when the record runs alone. */
    @Nullable AttemptOutcome pendingOutcome;

    /** Attempts in a row that ended in an outage. */
    int consecutiveOutages;

    /** The failure of the last outage, if the handler or its transaction had it, else null. */
    @Nullable Throwable lastOutage;

    /** Attempts that met a session of the database other than theirs, since it was taken. */
    int wrongSessions;

    /** Whether another record had an outcome between two such outages. */
    boolean wasSuspected;

    /** Whether {@link #pendingOutcome} results from an outage that counts as a failed attempt. */
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

  /** The number of failed attempts, in this process and in those before a deferral. */
  int failedAttempts() {
    History known = history;
    return known == null ? 0 : known.failedAttempts;
  }

  /** The number of the current attempt, from 1 on, including earlier deliveries. */
  int attemptNumber() {
    return raw.priorDeliveries() + failedAttempts() + 1;
  }

  /** The id of the message, or its position if it is not decoded. */
  String id() {
    Message known = message;
    return known == null ? raw.positionText() : known.id();
  }

  /** The beginning of {@link #id()}, for texts: ids of other programs may be long. */
  String shownId() {
    String id = id();
    return id.length() <= MAX_SHOWN_CHARS ? id : id.substring(0, MAX_SHOWN_CHARS) + "...";
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
