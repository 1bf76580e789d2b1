package io.commslib.spring;

import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import java.util.Objects;

/**
 * Lets the library's parts take part in the transaction Spring runs on the calling thread, for
 * example inside a {@code @Transactional} method.
 */
public final class SpringTransactions {

  private SpringTransactions() {}

  /**
   * Returns the running transaction. Hooks run after Spring's commit, so the outbox wakes its relay
   * by itself. {@link TransactionContext#setRollbackOnly} makes Spring's commit fail with {@code
   * IllegalStateException COMMS-SPRING-003} and roll back. Spring ends the transaction; the
   * connection refuses to.
   *
   * <p>Spring's commit fails with {@code StoreException COMMS-JDBC-016} and rolls back if a caught
   * failure of a statement has cost the transaction: on PostgreSQL after any statement, on the
   * other databases after a deadlock on the connection of the context.
   *
   * <p>That a connection which was fetched outside of this manager, but beside its transaction,
   * does not belong to it is seen by its auto-commit: a pool should hand connections out with
   * auto-commit on, as pools do.
   *
   * <p>Spring calls a transaction active until the last callback after its end has returned. What
   * is written then is lost, or commits alone. So this method refuses a transaction that is over,
   * and so does a context that was kept: in {@code afterCommit}, {@code afterCompletion} and event
   * listeners of these phases. {@code beforeCommit} and {@code beforeCompletion} come before the
   * end. After the end begin another transaction, with {@code REQUIRES_NEW} or by a {@link
   * SpringTransactionRunner}. One case can't be told from a new transaction at once: a callback
   * after the end in which a {@code TransactionTemplate}, or a second {@code @Transactional} method
   * inside the first, joins a transaction in which this method was never called. Spring's answer at
   * its end tells, and {@code COMMS-SPRING-008} is logged.
   *
   * @param database made with the data source of the transaction manager, the same object; for a
   *     {@code TransactionAwareDataSourceProxy} the one behind it
   * @return the running transaction; the same one for each call inside it
   * @throws IllegalStateException {@code COMMS-SPRING-001} if no transaction runs on this thread;
   *     {@code COMMS-SPRING-008} if it is over; {@code COMMS-JDBC-006} if the connection that is
   *     bound here commits each statement
   * @throws io.commslib.core.StoreException {@code COMMS-SPRING-002} if the transaction that runs
   *     does not use this data source; of kind {@code TRANSIENT}, so that a handler which meets it
   *     pauses its subscription and loses no message
   */
  public static TransactionContext current(JdbcDatabase database) {
    return SpringTransaction.current(Objects.requireNonNull(database, "database"));
  }
}
