/**
 * A deterministic simulator: the library's real delivery engine between models of Kafka and
 * RabbitMQ, on one thread, under virtual time and a seed, with members that crash, partitions that
 * move, commits and confirms that get lost. What must hold is checked at every step; the same seed
 * gives the same trace. Start with {@link io.commslib.testkit.simulation.Simulation}.
 *
 * <p>Not simulated: two threads inside one member, a handler that overruns its deadline.
 */
@NullMarked
package io.commslib.testkit.simulation;

import org.jspecify.annotations.NullMarked;
