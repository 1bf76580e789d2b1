/**
 * Two states of the library in alternation, each in JVMs of its own: whether a change made the hot
 * path slower.
 */
@NullMarked
package io.commslib.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
