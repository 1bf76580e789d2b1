/**
 * The message transport over RabbitMQ (AMQP 0-9-1): {@link io.commslib.rabbit.RabbitTransport}.
 *
 * <p>Quorum queues, persistent messages, mandatory routing and publisher confirms always; recovery
 * of its own. Per-key order holds for one consumer process per group; a second one stands by.
 * Proved against RabbitMQ 3.10; what only 4.x has is not used.
 */
@NullMarked
package io.commslib.rabbit;

import org.jspecify.annotations.NullMarked;
