/**
 * Small policies that the delivery engine and the adapters use: the backoff between attempts and a
 * gate that pauses consumption. Immutable or thread-safe.
 */
@NullMarked
package io.commslib.core.resilience;

import org.jspecify.annotations.NullMarked;
