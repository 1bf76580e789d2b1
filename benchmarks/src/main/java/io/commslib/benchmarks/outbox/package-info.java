/**
 * The outbox and its relay against raw loops with the same guarantees, and against other outbox
 * libraries.
 */
@NullMarked
package io.commslib.benchmarks.outbox;

import org.jspecify.annotations.NullMarked;
