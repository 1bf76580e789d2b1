/**
 * The delivery engine and what transport adapters implement for it. Adapters start with {@link
 * io.commslib.core.engine.DeliveryEngine}, {@link io.commslib.core.engine.RawDelivery} and {@link
 * io.commslib.core.engine.Settler}; applications do not use it. One engine serves one subscription
 * member: it decodes, runs handlers on its workers, retries, dead-letters and settles.
 */
@NullMarked
package io.commslib.core.engine;

import org.jspecify.annotations.NullMarked;
