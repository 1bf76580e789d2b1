package io.commslib.core.redrive;

import io.commslib.core.messaging.Destination;
import java.time.Instant;

/**
 * Keeps a record of who sent back or discarded what, and why. Applications implement it, for
 * instance with a table; {@link #toLog()} writes to the log. Thread-safe.
 */
@FunctionalInterface
public interface RedriveAudit {

  /** What an entry tells of an action. */
  enum Phase {
    /** It is about to begin. No entry of an end for it: the process died on the way. */
    STARTED,
    /** It has ended. */
    ENDED,
    /** It has ended early, because the broker or the database failed. */
    FAILED
  }

  /** What an operator does with dead letters. */
  enum Action {
    /** Sends them back. */
    REDRIVE,
    /** Removes them for good. */
    DISCARD
  }

  /**
   * One entry.
   *
   * @param runId equal in the entries of one action
   * @param at when
   * @param action what is done
   * @param phase how far it is
   * @param actor who asked for it
   * @param reason why
   * @param source what the group consumes
   * @param group the group
   * @param selection which letters, in words; without keys and ids
   * @param count letters sent back or removed so far
   */
  record Entry(
      String runId,
      Instant at,
      Action action,
      Phase phase,
      String actor,
      String reason,
      Destination source,
      String group,
      String selection,
      int count) {}

  /**
   * Records an entry; may block. If it throws for {@link Phase#STARTED}, nothing is sent or removed
   * and the action fails with what it threw.
   *
   * @param entry what happened
   */
  void record(Entry entry);

  /**
   * Writes entries to the log of this interface's name, at level INFO.
   *
   * @return the audit
   */
  static RedriveAudit toLog() {
    return RedriveLog::write;
  }
}
