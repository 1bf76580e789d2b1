/**
 * Requests that must take effect once and whose result is stored. Start with {@link
 * io.commslib.core.idempotency.IdempotentRequests}, which decides about each request and returns a
 * {@link io.commslib.core.idempotency.RequestOutcome}; the port of its stores is {@link
 * io.commslib.core.idempotency.IdempotencyStore}. {@code commslib-idempotency} contains the stores.
 * The inbox of message consumers is {@code io.commslib.core.messaging.Inbox}.
 *
 * <p>Stores and {@code IdempotentRequests} are thread-safe, block the calling thread while the
 * store works, and start no threads. The values are immutable. An attempt is confined to the thread
 * of its work.
 *
 * <p>Guaranteed: one effect per request key within the store's retention, inside the store's own
 * database. Not guaranteed: effects outside that database, which a takeover may repeat.
 */
@NullMarked
package io.commslib.core.idempotency;

import org.jspecify.annotations.NullMarked;
