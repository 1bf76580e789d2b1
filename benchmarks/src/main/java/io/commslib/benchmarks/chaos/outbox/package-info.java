/**
 * Faults on the outbox and the inbox: real databases, relays and applications in separate processes
 * that are killed, suspended and disconnected, judged from tables and histories.
 */
@NullMarked
package io.commslib.benchmarks.chaos.outbox;

import org.jspecify.annotations.NullMarked;
