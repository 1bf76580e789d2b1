/**
 * The outbox and its relay beside raw loops with the same guarantees, and beside other outbox
 * libraries.
 */
@NullMarked
package io.commslib.benchmarks.outbox;

import org.jspecify.annotations.NullMarked;
