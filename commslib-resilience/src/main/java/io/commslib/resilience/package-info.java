/**
 * The engine for calls to other services. Start with {@link io.commslib.resilience.Resilience}, one
 * for each process, and {@link io.commslib.resilience.Guard}, one for each remote. Each call has
 * one deadline over all its attempts; it is repeated only if its target's declared idempotency and
 * what is known about the sending permit it, and within the remote's budget. Thread-safe.
 */
@NullMarked
package io.commslib.resilience;

import org.jspecify.annotations.NullMarked;
