/**
 * The message transport over Apache Kafka: {@link io.commslib.kafka.KafkaTransport}.
 *
 * <p>Confirmed publishes (acks=all, idempotent), per-key order and parallelism over keys inside a
 * partition, offsets committed only up to the lowest unfinished one. Not promised yet: counting
 * deliveries over crashes.
 */
@NullMarked
package io.commslib.kafka;

import org.jspecify.annotations.NullMarked;
