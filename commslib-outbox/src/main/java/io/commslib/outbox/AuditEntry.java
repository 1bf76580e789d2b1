package io.commslib.outbox;

import java.time.Instant;

/**
 * A decision about parked messages or a destination: its time, its author, its reason. It is
 * written in the transaction of the decision. Immutable.
 */
public final class AuditEntry {

  private final long id;
  private final Instant at;
  private final String actor;
  private final String reason;
  private final String action;
  private final String subject;

  AuditEntry(long id, Instant at, String actor, String reason, String action, String subject) {
    this.id = id;
    this.at = at;
    this.actor = actor;
    this.reason = reason;
    this.action = action;
    this.subject = subject;
  }

  /** {@return the number of the entry; later entries have higher ones} */
  public long id() {
    return id;
  }

  /** {@return the time of the decision, by the database's clock} */
  public Instant at() {
    return at;
  }

  /** {@return the author of the decision, as passed to {@link OutboxAdmin}} */
  public String actor() {
    return actor;
  }

  /** {@return the reason, as passed to {@link OutboxAdmin}} */
  public String reason() {
    return reason;
  }

  /**
   * Returns the decision as a word.
   *
   * @return {@code replay} or {@code replay at front} for a redrive, {@code discard}, {@code pause}
   *     or {@code resume}
   */
  public String action() {
    return action;
  }

  /**
   * Returns the object of the decision.
   *
   * @return the parked message with its destination and key, or a destination
   */
  public String subject() {
    return subject;
  }

  @Override
  public String toString() {
    return "AuditEntry{" + id + ", " + at + ", " + actor + ", " + action + ", " + subject + "}";
  }
}
