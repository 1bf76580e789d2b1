package io.commslib.core.tx;

/**
 * Work done inside one transaction. Users implement it.
 *
 * @param <T> type of the result
 * @param <X> type of the failure
 */
@FunctionalInterface
public interface TransactionWork<T, X extends Exception> {

  /**
   * Does the work. Everything done through {@code tx} commits or rolls back as one.
   *
   * @param tx the running transaction, valid until this method returns
   * @return the result
   * @throws X to roll back
   */
  T run(TransactionContext tx) throws X;
}
