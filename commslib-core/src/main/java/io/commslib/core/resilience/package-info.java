/**
 * Small policies the delivery engine uses: backoff between attempts and a gate that pauses a route.
 */
@NullMarked
package io.commslib.core.resilience;

import org.jspecify.annotations.NullMarked;
