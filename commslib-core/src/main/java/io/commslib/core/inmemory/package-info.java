/**
 * A transport and transactions in memory, for tests, examples and small applications. They need no
 * server, and their content ends with the process.
 *
 * <p>Start with {@link io.commslib.core.inmemory.InMemoryTransport}, {@link
 * io.commslib.core.inmemory.InMemoryTransactionRunner} and {@link
 * io.commslib.core.inmemory.InMemoryBlockedKeyStore}. The transport and its subscriptions pass the
 * same contract tests as the adapters of real brokers: order per key, at-least-once delivery,
 * retries and dead letters. The types are thread-safe. With {@link
 * io.commslib.core.time.VirtualTime} everything runs on the test's thread.
 */
@NullMarked
package io.commslib.core.inmemory;

import org.jspecify.annotations.NullMarked;
