package io.commslib.saga;

import java.time.Instant;

/**
 * One line of a saga's history. Lines are only added, in the transaction of what they report.
 * Immutable.
 *
 * @param at database time of the transaction
 * @param kind what happened
 * @param step name of the step, empty if it concerns the whole saga
 * @param attempt number of the send or of the failure, 0 if it is neither
 * @param actor who did it by hand, else empty
 * @param detail why, or class of the reply; never content
 */
public record SagaLogEntry(
    Instant at, Kind kind, String step, int attempt, String actor, String detail) {

  /** What can happen. */
  public enum Kind {
    /** The saga was created. */
    STARTED,
    /** A command was handed to the outbox. */
    SENT,
    /** The participant did it. */
    SUCCEEDED,
    /** The participant refused. */
    REFUSED,
    /** No reply came to any attempt: the outcome is unknown. */
    TIMED_OUT,
    /** Success became known after the step had been given up: it is undone (again). */
    LATE_SUCCESS,
    /** A compensation was handed to the outbox. */
    UNDO_SENT,
    /** The step is undone, or had nothing to undo. */
    UNDONE,
    /**
     * It could not be woken: a hook, the outbox or the database failed, or the process that tried
     * has ended. It is woken again; the attempt is the number of such failures since the last move.
     */
    FAILED,
    /** Stopped until an operator or a late reply moves it on. */
    PARKED,
    /** An operator had it go on. */
    RETRIED,
    /** An operator declared the pending step settled by hand. */
    RESOLVED,
    /** An operator had it undone. */
    CANCELLED,
    /** Every step succeeded. */
    COMPLETED,
    /** Every started step is undone. */
    COMPENSATED
  }
}
