/**
 * Faults on request keys and on the inbox: holders that die in a separate process, keys used twice,
 * entries purged while messages are redelivered.
 */
@NullMarked
package io.commslib.benchmarks.chaos.idempotency;

import org.jspecify.annotations.NullMarked;
