/**
 * Orchestrated sagas: a business transaction over several services as a sequence of steps. Each
 * step is a command and its reply. A saga ends completed or with every started step undone.
 *
 * <p>Start with {@link io.commslib.saga.SagaDefinition} (the steps and their compensations), {@link
 * io.commslib.saga.SagaEngine} (runs sagas) and {@link io.commslib.saga.Replies} (builds a
 * participant's reply). Test a definition with {@link io.commslib.saga.SagaScenario}, which needs
 * no database, broker or clock.
 *
 * <p>Threading: definitions, configurations and snapshots are immutable, and the engine is
 * thread-safe. Replies run on the threads of their subscription, timeouts on the engine's timer
 * threads.
 *
 * <p>Guarantees: the state of an instance, its history and the commands it sends commit together
 * through the outbox, so a killed process loses nothing and any node continues the saga. A step
 * that is not answered counts as unknown and is undone like one that succeeded. A saga that can't
 * be undone after its attempts is parked for an operator, and its remaining compensations are kept.
 * In return, participants must answer every command, also a repeated one, and must accept a
 * compensation whose command they never received.
 */
@NullMarked
package io.commslib.saga;

import org.jspecify.annotations.NullMarked;
