/**
 * The port for requests that must take effect once and whose result is stored. Start with {@link
 * io.commslib.core.idempotency.IdempotencyStore} and {@link io.commslib.core.idempotency.Claim}.
 * {@code commslib-idempotency} contains the stores and a guard that calls them. The inbox of
 * message consumers is {@code io.commslib.core.messaging.Inbox}. Stores are thread-safe; the values
 * are immutable.
 */
@NullMarked
package io.commslib.core.idempotency;

import org.jspecify.annotations.NullMarked;
