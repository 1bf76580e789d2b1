/**
 * The transactional outbox: messages written in the caller's transaction leave after, and only
 * after, it commits. Start with {@link io.commslib.outbox.Outbox}, {@link
 * io.commslib.outbox.JdbcOutbox} and {@link io.commslib.outbox.OutboxRelay}.
 *
 * <p>At least once; in order per key and destination, also with several relays, as long as writers
 * of a key serialise themselves. Not promised: order between keys, and order of duplicates after a
 * crash.
 */
@NullMarked
package io.commslib.outbox;

import org.jspecify.annotations.NullMarked;
