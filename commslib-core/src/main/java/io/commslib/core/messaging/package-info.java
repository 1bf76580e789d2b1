/**
 * Messages, destinations, publishing and subscriptions. Start with {@link
 * io.commslib.core.messaging.Message}, {@link io.commslib.core.messaging.MessageTransport} and
 * {@link io.commslib.core.messaging.SubscriptionConfig}.
 *
 * <p>Delivery is at least once; with an inbox the effect is exactly once. Messages of one key are
 * handled one at a time and in order, different keys in parallel. Handlers run on worker threads of
 * their subscription. Transports, publishers and subscriptions are thread-safe; messages and
 * configurations are immutable.
 */
@NullMarked
package io.commslib.core.messaging;

import org.jspecify.annotations.NullMarked;
