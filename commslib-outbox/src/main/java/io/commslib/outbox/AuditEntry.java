package io.commslib.outbox;

import java.time.Instant;

/**
 * Who decided what about parked messages and why; written in the transaction of the decision.
 * Immutable.
 *
 * @param id ascending
 * @param at by the database's clock
 * @param actor who
 * @param reason why
 * @param action what, such as {@code replay}, {@code discard}, {@code resume}
 * @param subject about what: the parked message with its destination and key, or a destination
 */
public record AuditEntry(
    long id, Instant at, String actor, String reason, String action, String subject) {}
