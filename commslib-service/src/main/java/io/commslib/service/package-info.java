/**
 * A service's parts built with defaults and run as one. Start with {@link
 * io.commslib.service.Comms#service}; {@link io.commslib.service.CommsBuilder} sets what differs,
 * and {@link io.commslib.service.Comms} publishes, subscribes, starts and closes.
 *
 * <p>The package has no rules of its own about messages: what is promised is what the outbox, the
 * inbox and the transport promise. It knows no broker.
 */
@NullMarked
package io.commslib.service;

import org.jspecify.annotations.NullMarked;
