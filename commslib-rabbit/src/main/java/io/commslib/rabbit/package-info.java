/**
 * The message transport over RabbitMQ (AMQP 0-9-1).
 *
 * <p>Start with {@link io.commslib.rabbit.RabbitTransport} (the transport and its topology) and
 * {@link io.commslib.rabbit.RabbitTransportConfig} (its settings). Applications use it through
 * {@link io.commslib.core.messaging.MessageTransport}.
 *
 * <p>Threading: the transport is thread-safe and uses one connection to publish and one to consume.
 * Handlers run on the workers of their subscription. A lost connection is re-established in the
 * background.
 *
 * <p>Guarantees: quorum queues, persistent messages, mandatory routing and publisher confirms,
 * always. Order per key holds for one consumer process per group; a second process stands by and
 * takes over. Tested against RabbitMQ 3.10; features that only RabbitMQ 4 has are not used.
 */
@NullMarked
package io.commslib.rabbit;

import org.jspecify.annotations.NullMarked;
