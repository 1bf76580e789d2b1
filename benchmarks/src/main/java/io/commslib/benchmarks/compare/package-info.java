/**
 * Compares two states of the library in alternation, each in its own JVMs, to find out whether a
 * change made the hot path slower.
 */
@NullMarked
package io.commslib.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
