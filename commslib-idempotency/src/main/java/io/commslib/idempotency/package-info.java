/**
 * Stores and guards that make messages and requests take effect once: the inbox of message
 * consumers, requests with stored results, and blocked keys. Start with {@link
 * io.commslib.idempotency.JdbcInbox}, {@link io.commslib.idempotency.RequestGuard} and {@link
 * io.commslib.idempotency.JdbcBlockedKeyStore}. Each exists on JDBC and in memory; the in-memory
 * ones are for tests and for services that run as one process. All stores are thread-safe. One
 * effect per message and consumer, or per request key, holds within the retention and inside one
 * database.
 */
@NullMarked
package io.commslib.idempotency;

import org.jspecify.annotations.NullMarked;
