/**
 * Policies that the delivery engine and the adapters use: {@link
 * io.commslib.core.resilience.Backoff} between attempts and {@link
 * io.commslib.core.resilience.Gate}, which pauses consumption. All types are immutable or
 * thread-safe.
 */
@NullMarked
package io.commslib.core.resilience;

import org.jspecify.annotations.NullMarked;
