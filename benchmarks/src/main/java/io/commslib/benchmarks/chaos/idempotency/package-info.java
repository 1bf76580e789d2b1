/**
 * Faults on request keys and on the inbox: holders that die in a process of their own, keys used
 * twice, entries purged while messages come again.
 */
@NullMarked
package io.commslib.benchmarks.chaos.idempotency;

import org.jspecify.annotations.NullMarked;
