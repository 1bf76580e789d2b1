/**
 * Orchestrated sagas: a sequence of steps over several services, each a command and its reply, that
 * ends completed or with every started step undone.
 *
 * <p>Start with {@link io.commslib.saga.SagaDefinition} (what to do), {@link
 * io.commslib.saga.SagaEngine} (who does it) and {@link io.commslib.saga.Replies} (how a
 * participant answers). The state of an instance, its history and the commands it sends commit
 * together through the outbox, so a killed process loses nothing and any node goes on. A step that
 * gives no answer counts as unknown and is undone like one that succeeded. What cannot be undone
 * after its attempts is parked for an operator with the remaining compensations kept.
 *
 * <p>Definitions and snapshots are immutable, the engine is thread-safe. Participants must answer
 * every command, also a repeated one, and must accept a compensation whose command they never saw.
 */
@NullMarked
package io.commslib.saga;

import org.jspecify.annotations.NullMarked;
