/** The inbox and requests with results beside raw statements with the same guarantees. */
@NullMarked
package io.commslib.benchmarks.idempotency;

import org.jspecify.annotations.NullMarked;
