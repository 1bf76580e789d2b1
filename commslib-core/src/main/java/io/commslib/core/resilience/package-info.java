/**
 * Policies of the delivery engine and of calls: {@link io.commslib.core.resilience.Backoff} between
 * attempts, {@link io.commslib.core.resilience.Gate}, which pauses consumption, and {@link
 * io.commslib.core.resilience.CallPolicy}, which has all policies of the calls to a remote. The
 * settings are immutable, the other types are thread-safe.
 */
@NullMarked
package io.commslib.core.resilience;

import org.jspecify.annotations.NullMarked;
