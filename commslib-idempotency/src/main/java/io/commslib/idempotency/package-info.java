/**
 * Stores that make a thing happen once: the inbox for messages, on JDBC and in memory, and the
 * in-memory store for requests with results. Start with {@link io.commslib.idempotency.JdbcInbox}.
 *
 * <p>Exactly one effect per message and consumer holds within the inbox's retention and inside one
 * database.
 */
@NullMarked
package io.commslib.idempotency;

import org.jspecify.annotations.NullMarked;
