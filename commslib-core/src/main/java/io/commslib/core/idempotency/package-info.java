/**
 * Requests that must take effect once and whose result is stored: the port of the store. Start with
 * {@link io.commslib.core.idempotency.IdempotencyStore}; {@code commslib-idempotency} has the
 * stores and a guard to call them with. The inbox of message consumers is {@code
 * io.commslib.core.messaging.Inbox}.
 */
@NullMarked
package io.commslib.core.idempotency;

import org.jspecify.annotations.NullMarked;
