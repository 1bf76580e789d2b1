/**
 * The transactional outbox: messages that are written in the caller's transaction and published
 * after, and only after, it commits.
 *
 * <p>Start with {@link io.commslib.outbox.JdbcOutbox}, which writes messages, {@link
 * io.commslib.outbox.OutboxRelay}, which publishes them, and {@link
 * io.commslib.outbox.OutboxSchema}, which creates their tables. {@link
 * io.commslib.outbox.OutboxAdmin} decides about messages that could not be published. {@link
 * io.commslib.outbox.InMemoryOutbox} is the outbox of users' tests.
 *
 * <p>Writers work on the caller's thread. A relay and a notifier have threads of their own. All
 * public classes but builders are thread-safe.
 *
 * <p>Each message is published at least once. Messages of a key are published in order per
 * destination, also with several relays, as long as the writers of the key are serialised. There is
 * no order between keys, and none for duplicates after a crash.
 */
@NullMarked
package io.commslib.outbox;

import org.jspecify.annotations.NullMarked;
