/**
 * The durable store of held keys: which keys of a consumer are parked behind a dead letter. Start
 * with {@link io.commslib.idempotency.heldkeys.JdbcHeldKeys} and give it to {@link
 * io.commslib.core.messaging.SubscriptionConfig.Builder#parkKey}.
 */
@NullMarked
package io.commslib.idempotency.heldkeys;

import org.jspecify.annotations.NullMarked;
