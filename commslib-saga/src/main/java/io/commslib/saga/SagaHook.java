package io.commslib.saga;

import io.commslib.core.tx.TransactionContext;

/**
 * What a service does when a saga of its own ends. Users implement it.
 *
 * @param <S> class of the saga's state
 */
@FunctionalInterface
public interface SagaHook<S> {

  /**
   * Runs in the transaction that ends the saga, after its row is written: what it does through
   * {@code tx} (its own tables, its outbox) commits or rolls back with the end itself. Called once
   * per committed end; again only if a success that became known later reopened the saga.
   *
   * @param state the state at the end
   * @param tx the running transaction
   * @throws Exception to roll the end back: the reply that led to it is handled again as often as
   *     its subscription allows; after a timeout the saga is woken again, and parked after 10
   *     failures in a row
   */
  void run(S state, TransactionContext tx) throws Exception;
}
