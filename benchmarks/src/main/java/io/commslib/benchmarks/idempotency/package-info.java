/** The inbox and requests with results against raw statements with the same guarantees. */
@NullMarked
package io.commslib.benchmarks.idempotency;

import org.jspecify.annotations.NullMarked;
