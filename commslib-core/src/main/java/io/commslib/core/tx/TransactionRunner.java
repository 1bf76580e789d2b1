package io.commslib.core.tx;

/**
 * Runs work in a transaction. Applications and engines call it; bindings to JDBC or a framework
 * implement it. Thread-safe; each call has its own transaction.
 */
public interface TransactionRunner {

  /**
   * Runs {@code work} in a new transaction on the calling thread and commits when it returns.
   * Blocks for the work and the commit. A nested call runs in a transaction of its own.
   *
   * <p>If the work returns normally, the transaction commits, or rolls back if it was marked {@link
   * TransactionContext#setRollbackOnly() rollback-only}. The result is returned in both cases. If
   * the work swallowed the failure of a store ({@link TransactionContext#fail}), the transaction
   * rolls back and that failure is thrown. If the work throws, the transaction rolls back and the
   * same throwable is thrown, except that a lost database connection is reported as {@link
   * io.commslib.core.StoreException} with the original as cause.
   *
   * @param <T> type of the result
   * @param <X> type of the work's exception
   * @param work the work
   * @return the result of the work
   * @throws X the exception of the work; the transaction was rolled back
   * @throws io.commslib.core.StoreException {@code TRANSIENT}: the database is unreachable, nothing
   *     was committed; {@code CONTENTION}: the commit was refused by a deadlock or serialization
   *     failure, nothing was committed; {@code UNKNOWN_RESULT}: the connection broke during commit,
   *     the work may have taken effect
   */
  <T, X extends Exception> T run(TransactionWork<T, X> work) throws X;

  /**
   * Returns whether work must not run on virtual threads, because the database runs inside this JVM
   * and waits by spinning. If as many virtual threads spin as there are processors, the thread that
   * they wait for never gets a processor.
   *
   * @return true for H2; false by default
   */
  default boolean needsPlatformThreads() {
    return false;
  }

  /** {@return the identity of the database on which the transactions run} */
  DatabaseId database();
}
