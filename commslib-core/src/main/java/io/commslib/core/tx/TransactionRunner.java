package io.commslib.core.tx;

/**
 * Runs work in a transaction. Applications and engines call it; bindings to JDBC or a framework
 * implement it. Thread-safe; each call has its own transaction.
 */
public interface TransactionRunner {

  /**
   * Runs {@code work} in a new transaction on the calling thread and commits when it returns.
   * Blocks for as long as work and commit take. A call from inside another one's work gets a
   * transaction of its own.
   *
   * <p>After a normal return the transaction is committed, or rolled back if it was marked {@link
   * TransactionContext#setRollbackOnly() rollback-only}: the result is returned either way. If the
   * work swallowed the failure of a store ({@link TransactionContext#fail}), it is rolled back and
   * that failure is thrown. After a throw from {@code work} it is rolled back and the same
   * throwable leaves this method, except that a lost database connection is reported as {@link
   * io.commslib.core.StoreException} with the original as cause.
   *
   * @param <T> type of the result
   * @param <X> type of failure the work may throw
   * @param work what to do
   * @return what the work returned
   * @throws X what the work threw; rolled back
   * @throws io.commslib.core.StoreException {@code TRANSIENT}: the database can't be reached,
   *     nothing was committed; {@code CONTENTION}: commit refused by a deadlock or serialization
   *     failure, nothing was committed; {@code UNKNOWN_RESULT}: the connection broke during commit,
   *     the work may have taken effect
   */
  <T, X extends Exception> T run(TransactionWork<T, X> work) throws X;

  /**
   * Returns whether work must not run on virtual threads, because the database runs inside this JVM
   * and waits by spinning: on as many virtual threads as there are processors it would wait for
   * ever for one that finds no processor.
   *
   * @return true for H2; false by default
   */
  default boolean needsPlatformThreads() {
    return false;
  }

  /**
   * Returns which database the transactions run on.
   *
   * @return the identity
   */
  DatabaseId database();
}
