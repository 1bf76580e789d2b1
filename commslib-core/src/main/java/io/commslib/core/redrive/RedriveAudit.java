package io.commslib.core.redrive;

import io.commslib.core.messaging.Destination;
import java.time.Instant;

/**
 * Records who redrove or discarded which dead letters, and why. Applications implement it, for
 * instance with a table; {@link #toLog()} writes to the log. Thread-safe.
 */
@FunctionalInterface
public interface RedriveAudit {

  /** The progress of an action. */
  enum Phase {
    /** The action is about to begin. If no entry of its end follows, the process died meanwhile. */
    STARTED,
    /** The action has ended. */
    ENDED,
    /** The action has ended early because the broker or the database failed. */
    FAILED
  }

  /** An operator's action on dead letters. */
  enum Action {
    /** Sends dead letters back to the group that failed. */
    REDRIVE,
    /** Removes dead letters permanently. */
    DISCARD
  }

  /** One entry of the audit. Immutable; made by {@link Redrive}. */
  final class Entry {
    private final String runId;
    private final Instant at;
    private final AuditedAction audited;
    private final Phase phase;
    private final int count;

    Entry(String runId, Instant at, AuditedAction audited, Phase phase, int count) {
      this.runId = runId;
      this.at = at;
      this.audited = audited;
      this.phase = phase;
      this.count = count;
    }

    /** {@return the id that all entries of one action have in common} */
    public String runId() {
      return runId;
    }

    /** {@return the time of the entry} */
    public Instant at() {
      return at;
    }

    /** {@return the action} */
    public Action action() {
      return audited.kind;
    }

    /** {@return the progress of the action} */
    public Phase phase() {
      return phase;
    }

    /** {@return the person or job that asked for the action} */
    public String actor() {
      return audited.actor;
    }

    /** {@return the reason that the actor gave} */
    public String reason() {
      return audited.reason;
    }

    /** {@return the destination that the group consumes} */
    public Destination source() {
      return audited.source;
    }

    /** {@return the group} */
    public String group() {
      return audited.group;
    }

    /** {@return the selected letters, in words; without keys and ids} */
    public String selection() {
      return audited.selection;
    }

    /** {@return the number of letters redriven or removed so far} */
    public int count() {
      return count;
    }

    /** {@return one line for the log} */
    @Override
    public String toString() {
      return runId
          + " "
          + action()
          + " "
          + phase
          + " of "
          + source()
          + " for group "
          + group()
          + ": selection "
          + selection()
          + ", "
          + count
          + " so far, by "
          + actor()
          + ", because "
          + reason();
    }
  }

  /**
   * Records an entry; may block. If it throws for {@link Phase#STARTED}, nothing is redriven or
   * removed and the action fails with the same exception.
   *
   * @param entry the action and its progress
   */
  void record(Entry entry);

  /**
   * {@return an audit that writes its entries to the log of this interface's name, at level INFO}
   */
  static RedriveAudit toLog() {
    return RedriveLog::write;
  }
}
