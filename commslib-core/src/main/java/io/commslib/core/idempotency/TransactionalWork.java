package io.commslib.core.idempotency;

import io.commslib.core.tx.TransactionContext;

/**
 * Work of a request whose effects are all in the transaction. Applications implement it and pass it
 * to {@link IdempotentRequests#inTransaction}, which calls it on the thread of its caller.
 *
 * @param <X> type of failure it may throw
 */
@FunctionalInterface
public interface TransactionalWork<X extends Exception> {

  /**
   * Works.
   *
   * @param tx the transaction that effects and result commit in
   * @return the result, of any size; must not be null
   * @throws X if it failed; the transaction rolls back
   */
  StoredResult run(TransactionContext tx) throws X;
}
