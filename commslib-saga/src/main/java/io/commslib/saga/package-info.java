/**
 * Orchestrated sagas: a business transaction over several services whose steps are undone in
 * reverse when one of them is refused or stays unknown. Start with {@link
 * io.commslib.saga.SagaDefinition}, {@link io.commslib.saga.SagaEngine} and {@link
 * io.commslib.saga.Replies}.
 *
 * <p>State, log and commands of a step commit together; a saga that is not ended always has a
 * wake-up time, and any process may wake it. A saga ends completed, compensated, or parked for a
 * person with what is left to do. Not promised: isolation between sagas.
 */
@NullMarked
package io.commslib.saga;

import org.jspecify.annotations.NullMarked;
