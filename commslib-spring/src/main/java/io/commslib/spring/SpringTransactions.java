package io.commslib.spring;

import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import java.util.Objects;

/**
 * Lets the library take part in the transaction that Spring runs on the calling thread, for example
 * in a {@code @Transactional} method.
 */
public final class SpringTransactions {

  private SpringTransactions() {}

  /**
   * Returns the running transaction. Hooks run after Spring's commit, so the outbox wakes its relay
   * by itself. {@link TransactionContext#setRollbackOnly} makes Spring's commit fail with {@code
   * IllegalStateException COMMS-SPRING-003} and roll back. Only Spring ends the transaction; the
   * context's connection refuses commit, rollback and close.
   *
   * <p>Spring's commit fails with {@code StoreException COMMS-JDBC-016} and rolls back if the
   * database has rolled the transaction back after a failed statement whose failure was swallowed:
   * on PostgreSQL after any failed statement, on the other databases after a deadlock on the
   * connection of the context.
   *
   * <p>A connection that was fetched beside this manager's transaction, but does not belong to it,
   * is recognised by its auto-commit mode. The pool should therefore supply connections with
   * auto-commit on, which is the usual default.
   *
   * <p>Spring reports a transaction as active until the last callback after its end has returned.
   * Writes in such a callback are lost, or commit alone. This method and a context that was kept
   * therefore refuse a transaction that is over: in {@code afterCommit}, {@code afterCompletion}
   * and event listeners of these phases. {@code beforeCommit} and {@code beforeCompletion} run
   * before the end. After the end begin another transaction, with {@code REQUIRES_NEW} or by a
   * {@link SpringTransactionRunner}. One case is indistinguishable from a new transaction at first:
   * a callback after the end in which a {@code TransactionTemplate}, or a second
   * {@code @Transactional} method inside the first, joins a transaction in which this method was
   * never called. Spring's status at its end shows it, and {@code COMMS-SPRING-008} is logged.
   *
   * @param database a database created with the data source of the transaction manager, the same
   *     object; for a {@code TransactionAwareDataSourceProxy} the data source behind it
   * @return the running transaction, the same context for each call inside it
   * @throws IllegalStateException {@code COMMS-SPRING-001} if no transaction runs on this thread;
   *     {@code COMMS-SPRING-008} if it is over; {@code COMMS-JDBC-006} if the bound connection is
   *     in auto-commit mode
   * @throws io.commslib.core.StoreException {@code COMMS-SPRING-002} if the running transaction
   *     does not use this data source; of kind {@code TRANSIENT}, so that a failing handler pauses
   *     its subscription and no message is dead-lettered
   */
  public static TransactionContext current(JdbcDatabase database) {
    return SpringTransaction.current(Objects.requireNonNull(database, "database"));
  }
}
