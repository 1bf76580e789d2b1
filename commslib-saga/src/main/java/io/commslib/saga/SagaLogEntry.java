package io.commslib.saga;

import java.time.Instant;
import java.util.Objects;

/**
 * One entry of a saga's history. Entries are only added, each in the transaction of the change that
 * it records. Immutable; equal if all values are.
 */
public final class SagaLogEntry {

  /** The event that an entry records. */
  public enum Kind {
    /** The saga was created. */
    STARTED,
    /** A command was published to the outbox. */
    SENT,
    /** The participant reported success. */
    SUCCEEDED,
    /** The participant refused. */
    REFUSED,
    /** No attempt was answered in time: the outcome is unknown. */
    TIMED_OUT,
    /** Success became known after the saga had abandoned the step: it is undone (again). */
    LATE_SUCCESS,
    /** A compensation was published to the outbox. */
    UNDO_SENT,
    /** The step is undone, or had nothing to undo. */
    UNDONE,
    /**
     * The saga could not be woken: a hook, the outbox or the database failed, or the process that
     * tried has ended. It is woken again; the attempt is the number of such failures since the last
     * transition.
     */
    FAILED,
    /** The saga stopped until an operator or a late reply continues it. */
    PARKED,
    /** An operator retried the parked saga. */
    RETRIED,
    /** An operator declared the pending step settled by hand. */
    RESOLVED,
    /** An operator cancelled the saga. */
    CANCELLED,
    /** Every step succeeded. */
    COMPLETED,
    /** Every started step is undone. */
    COMPENSATED
  }

  private final Instant at;
  private final Kind kind;
  private final String step;
  private final int attempt;
  private final String actor;
  private final String detail;

  SagaLogEntry(Instant at, Kind kind, String step, int attempt, String actor, String detail) {
    this.at = at;
    this.kind = kind;
    this.step = step;
    this.attempt = attempt;
    this.actor = actor;
    this.detail = detail;
  }

  /** {@return the time of the transaction, by the database's clock} */
  public Instant at() {
    return at;
  }

  /** {@return the event} */
  public Kind kind() {
    return kind;
  }

  /** {@return the name of the step, empty if the entry concerns the whole saga} */
  public String step() {
    return step;
  }

  /** {@return the number of the send or of the failure, 0 if the event is neither} */
  public int attempt() {
    return attempt;
  }

  /** {@return the operator who caused the event, empty if the engine did} */
  public String actor() {
    return actor;
  }

  /** {@return the reason or the class of the reply; never content of a message or of the state} */
  public String detail() {
    return detail;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SagaLogEntry entry
        && at.equals(entry.at)
        && kind == entry.kind
        && step.equals(entry.step)
        && attempt == entry.attempt
        && actor.equals(entry.actor)
        && detail.equals(entry.detail);
  }

  @Override
  public int hashCode() {
    return Objects.hash(at, kind, step, attempt, actor, detail);
  }

  @Override
  public String toString() {
    return "SagaLogEntry["
        + "at="
        + at
        + ", kind="
        + kind
        + ", step="
        + step
        + ", attempt="
        + attempt
        + ", actor="
        + actor
        + ", detail="
        + detail
        + "]";
  }
}
