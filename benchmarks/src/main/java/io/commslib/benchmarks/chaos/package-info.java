/** Faults on real brokers under load, judged from histories. */
@NullMarked
package io.commslib.benchmarks.chaos;

import org.jspecify.annotations.NullMarked;
