/**
 * Faults on the adapters of Kafka and RabbitMQ and on the delivery engine: real brokers, members in
 * this JVM or in processes of their own, judged by the history oracle.
 */
@NullMarked
package io.commslib.benchmarks.chaos.broker;

import org.jspecify.annotations.NullMarked;
