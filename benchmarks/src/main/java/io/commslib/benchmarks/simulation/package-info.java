/** The command that runs many simulated schedules. */
@NullMarked
package io.commslib.benchmarks.simulation;

import org.jspecify.annotations.NullMarked;
