/**
 * Faults on the outbox and the inbox: real databases, relays and applications in processes of their
 * own that are killed, stopped and cut off, judged from tables and histories.
 */
@NullMarked
package io.commslib.benchmarks.chaos.outbox;

import org.jspecify.annotations.NullMarked;
