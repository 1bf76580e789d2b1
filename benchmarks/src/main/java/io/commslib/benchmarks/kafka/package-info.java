/** Publishing and keyed consumption on Kafka, each contender in its own JVM and class path. */
@NullMarked
package io.commslib.benchmarks.kafka;

import org.jspecify.annotations.NullMarked;
