package io.commslib.spring;

import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import java.util.Objects;

/**
 * Lets the library's parts take part in the transaction Spring runs on the calling thread, for
 * example inside a {@code @Transactional} method.
 *
 * @since 0.1
 */
public final class SpringTransactions {

  private SpringTransactions() {}

  /**
   * Returns the running transaction. Hooks run after Spring's commit, so the outbox wakes its relay
   * by itself. {@link TransactionContext#setRollbackOnly} makes Spring's commit fail with {@code
   * IllegalStateException COMMS-SPRING-003} and roll back. Spring ends the transaction; the
   * connection refuses to.
   *
   * <p>That a connection which was fetched outside of this manager, but beside its transaction,
   * does not belong to it is seen by its auto-commit: a pool should hand connections out with
   * auto-commit on, as pools do.
   *
   * @param database made with the data source of the transaction manager, the same object; for a
   *     {@code TransactionAwareDataSourceProxy} the one behind it
   * @return the running transaction; the same one for each call inside it
   * @throws IllegalStateException {@code COMMS-SPRING-001} if no transaction runs on this thread;
   *     {@code COMMS-SPRING-002} if the one that runs does not use this data source; {@code
   *     COMMS-JDBC-006} if the connection that is bound here commits each statement
   */
  public static TransactionContext current(JdbcDatabase database) {
    return SpringTransaction.current(Objects.requireNonNull(database, "database"));
  }
}
