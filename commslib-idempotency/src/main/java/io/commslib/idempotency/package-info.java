/**
 * Stores that make messages and requests take effect once: the inbox of message consumers, requests
 * with stored results, and blocked keys. Start with {@link io.commslib.idempotency.JdbcInbox},
 * {@link io.commslib.idempotency.JdbcIdempotencyStore} and {@link
 * io.commslib.idempotency.JdbcBlockedKeyStore}. {@link
 * io.commslib.core.idempotency.IdempotentRequests} decides about requests and calls their store.
 * Inbox and request store exist on JDBC and in memory; the in-memory ones are for tests and for
 * services that run as one process.
 *
 * <p>All stores are thread-safe, block the calling thread while the database works, and start no
 * threads.
 *
 * <p>Guaranteed: one effect per message and consumer, or per request key, within the retention and
 * inside one database. Not guaranteed: effects outside that database, which a takeover or an
 * unknown commit result may repeat; a purge must be scheduled by the application.
 */
@NullMarked
package io.commslib.idempotency;

import org.jspecify.annotations.NullMarked;
