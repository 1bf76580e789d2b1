/**
 * The measuring tools of the benchmarks: rounds in turns, processor time, allocated bytes, counted
 * statements and messages.
 */
@NullMarked
package io.commslib.benchmarks.measure;

import org.jspecify.annotations.NullMarked;
