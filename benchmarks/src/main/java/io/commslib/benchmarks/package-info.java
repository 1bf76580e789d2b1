/** Benchmarks of the library beside the floor it stands on, in turns, in one run. */
@NullMarked
package io.commslib.benchmarks;

import org.jspecify.annotations.NullMarked;
