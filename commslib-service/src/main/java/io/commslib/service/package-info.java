/**
 * The components of a service, built with defaults and run as one. Start with {@link
 * io.commslib.service.Comms#service}; {@link io.commslib.service.CommsBuilder} sets what differs
 * from the defaults, {@link io.commslib.service.Comms} publishes, subscribes, starts and closes,
 * and {@link io.commslib.service.TransportFactory} creates the transport.
 *
 * <p>A builder is confined to one thread; a started service is thread-safe. Handlers run on the
 * worker threads of their subscriptions.
 *
 * <p>The package has no guarantees of its own about messages: those of the outbox, the inbox and
 * the transport apply. It depends on no broker.
 */
@NullMarked
package io.commslib.service;

import org.jspecify.annotations.NullMarked;
