package io.commslib.saga;

import io.commslib.core.tx.TransactionContext;

/**
 * Code of a service that runs when one of its sagas ends. Users implement it.
 *
 * @param <S> class of the saga's state
 */
@FunctionalInterface
public interface SagaHook<S> {

  /**
   * Runs in the transaction that ends the saga, after the saga's row is written: its writes through
   * {@code tx} (the service's own tables, its outbox) commit or roll back with the end itself.
   * Called once per committed end, and again only if a success that became known later reopened the
   * saga.
   *
   * @param state the state at the end
   * @param tx the running transaction
   * @throws Exception to roll the end back. After a reply, the reply is handled again as often as
   *     its subscription allows. After a timeout, the saga is woken again, and parked after 10
   *     failures in a row
   */
  void run(S state, TransactionContext tx) throws Exception;
}
