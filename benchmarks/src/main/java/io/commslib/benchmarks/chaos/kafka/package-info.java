/**
 * Faults on the Kafka adapter and the delivery engine: real brokers, members in this JVM or in
 * processes of their own, judged by the history oracle.
 */
@NullMarked
package io.commslib.benchmarks.chaos.kafka;

import org.jspecify.annotations.NullMarked;
