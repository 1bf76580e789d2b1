/** The cost of a protected call, and the load of retries on a failing service. */
@NullMarked
package io.commslib.benchmarks.calls;

import org.jspecify.annotations.NullMarked;
