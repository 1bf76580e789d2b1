/**
 * Faults on the Kafka and RabbitMQ adapters and on the delivery engine: real brokers, members in
 * this JVM or in separate processes, judged by the history oracle.
 */
@NullMarked
package io.commslib.benchmarks.chaos.broker;

import org.jspecify.annotations.NullMarked;
