package io.commslib.grpc;

import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.tx.TransactionRunner;
import org.jspecify.annotations.Nullable;

/**
 * How the keys of a method are kept.
 *
 * @param requests the store with its lease
 * @param transactions the transactions of the handler, or null for a lease
 */
record KeyedMethod(IdempotentRequests requests, @Nullable TransactionRunner transactions) {}
