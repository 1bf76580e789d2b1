/**
 * Publishing and keyed consumption on Kafka, each contender in its own JVM with its own class path.
 */
@NullMarked
package io.commslib.benchmarks.kafka;

import org.jspecify.annotations.NullMarked;
