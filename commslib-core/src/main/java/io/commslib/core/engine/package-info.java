/**
 * The delivery engine, and what transport adapters implement for it. Applications do not use this
 * package.
 *
 * <p>Start with {@link io.commslib.core.engine.DeliveryEngine}, {@link
 * io.commslib.core.engine.RawDelivery} and {@link io.commslib.core.engine.Settler}. One engine
 * serves one subscription member: it decodes records, runs handlers on its workers, retries,
 * dead-letters and settles.
 *
 * <p>The engine is thread-safe. It calls adapters, handlers and observers without a lock held, on
 * the threads that each interface names. It guarantees that records of one key are handled one at a
 * time in the order of acceptance, and that a record is acknowledged only after it is finished or
 * safely in the dead letters.
 */
@NullMarked
package io.commslib.core.engine;

import org.jspecify.annotations.NullMarked;
