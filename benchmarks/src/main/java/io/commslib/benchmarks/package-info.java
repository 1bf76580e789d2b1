/** Benchmarks of the library against the cost of the same work without it, in turns, in one run. */
@NullMarked
package io.commslib.benchmarks;

import org.jspecify.annotations.NullMarked;
