/** Many simulated schedules, by command. */
@NullMarked
package io.commslib.benchmarks.simulation;

import org.jspecify.annotations.NullMarked;
