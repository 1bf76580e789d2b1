package io.commslib.spring;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.spi.Failures;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import java.sql.SQLException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.ConcurrencyFailureException;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.NestedTransactionNotSupportedException;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.TransactionSuspensionNotSupportedException;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.TransactionUsageException;
import org.springframework.transaction.support.DefaultTransactionDefinition;

/**
 * Transactions of the application's own transaction manager: always new ones, isolation READ
 * COMMITTED, so that handlers can use repositories and {@code @Transactional} methods beside the
 * outbox. Thread-safe.
 *
 * @since 0.1
 */
public final class SpringTransactionRunner implements TransactionRunner {

  private final PlatformTransactionManager manager;
  private final JdbcDatabase database;
  private final TransactionDefinition definition;

  private SpringTransactionRunner(PlatformTransactionManager manager, JdbcDatabase database) {
    this.manager = manager;
    this.database = database;
    DefaultTransactionDefinition always =
        new DefaultTransactionDefinition(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
    always.setIsolationLevel(TransactionDefinition.ISOLATION_READ_COMMITTED);
    always.setName("commslib");
    this.definition = always;
  }

  /**
   * Creates a runner. Begins a transaction and rolls it back, to find a manager that can't begin
   * one; blocks. A database that can't be reached is no failure here.
   *
   * @param manager binds a JDBC connection of the database's data source to the thread, as JDBC's
   *     and JPA's managers do
   * @param database made with the manager's data source, the same object
   * @return new runner; holds nothing that must be closed
   * @throws StoreException {@code COMMS-SPRING-007}, of kind {@code PERMANENT}, if the manager does
   *     not support new transactions with isolation READ COMMITTED, as JTA's without further
   *     settings
   */
  public static SpringTransactionRunner create(
      PlatformTransactionManager manager, JdbcDatabase database) {
    SpringTransactionRunner runner =
        new SpringTransactionRunner(
            Objects.requireNonNull(manager, "manager"),
            Objects.requireNonNull(database, "database"));
    runner.checkManager();
    return runner;
  }

  private void checkManager() {
    TransactionStatus status;
    try {
      status = begin();
    } catch (StoreException e) {
      if (e.kind() == FailureKind.PERMANENT) {
        throw e;
      }
      return;
    }
    rollBack(status, null);
  }

  @Override
  public DatabaseId database() {
    return database.id();
  }

  @Override
  public boolean needsPlatformThreads() {
    return database.dialect() == SqlDialect.H2;
  }

  /**
   * Runs work as {@link TransactionRunner#run} says. A manager that does not use the database's
   * data source is found out here.
   *
   * @throws IllegalStateException {@code COMMS-SPRING-002} if the manager's transaction does not
   *     use the data source of the database; nothing was done
   */
  @Override
  public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
    Objects.requireNonNull(work, "work");
    TransactionStatus status = begin();
    SpringTransaction tx;
    try {
      tx = SpringTransaction.begun(database);
    } catch (Throwable failure) {
      rollBack(status, failure);
      throw lostOr(failure);
    }
    try {
      return work(work, tx, status);
    } finally {
      tx.end();
    }
  }

  private <T, X extends Exception> T work(
      TransactionWork<T, X> work, SpringTransaction tx, TransactionStatus status) throws X {
    T result;
    try {
      result = work.run(tx);
    } catch (Throwable failure) {
      rollBack(status, failure);
      throw lostOr(failure);
    }
    if (tx.seal()) {
      commit(status);
    } else {
      rollBack(status, null);
      RuntimeException ignored = tx.failure();
      if (ignored != null) {
        throw ignored;
      }
    }
    return result;
  }

  private TransactionStatus begin() {
    try {
      return manager.getTransaction(definition);
    } catch (TransactionUsageException
        | NestedTransactionNotSupportedException
        | TransactionSuspensionNotSupportedException e) {
      throw new StoreException(
          "COMMS-SPRING-007",
          FailureKind.PERMANENT,
          "transaction manager: "
              + manager.getClass().getSimpleName()
              + ": "
              + e.getClass().getSimpleName()
              + " (expected: one that begins new transactions with isolation READ COMMITTED, as"
              + " JDBC's and JPA's; JTA's needs allowCustomIsolationLevels and a"
              + " jakarta.transaction.TransactionManager)",
          e);
    } catch (TransactionException e) {
      throw new StoreException(
          "COMMS-SPRING-004",
          FailureKind.TRANSIENT,
          "begin: " + e.getClass().getSimpleName() + ": nothing was done",
          e);
    }
  }

  private void commit(TransactionStatus status) {
    try {
      manager.commit(status);
    } catch (TransactionSystemException e) {
      SQLException cause = sqlCause(e);
      throw cause == null
          ? failed(FailureKind.UNKNOWN_RESULT, e)
          : SqlErrors.translateCommit(cause);
    } catch (ConcurrencyFailureException e) {
      throw failed(FailureKind.CONTENTION, e);
    } catch (TransactionException | DataAccessException e) {
      throw failed(FailureKind.PERMANENT, e);
    }
  }

  private static StoreException failed(FailureKind kind, RuntimeException cause) {
    return new StoreException(
        "COMMS-SPRING-005", kind, "commit failed: " + cause.getClass().getSimpleName(), cause);
  }

  private static @Nullable SQLException sqlCause(Throwable failure) {
    return Failures.find(failure, SQLException.class).orElse(null);
  }

  private void rollBack(TransactionStatus status, @Nullable Throwable failure) {
    try {
      manager.rollback(status);
    } catch (RuntimeException e) {
      // The database rolls back what a broken connection leaves behind.
      if (failure != null && failure != e) {
        failure.addSuppressed(e);
      }
    }
  }

  /** What the work threw leaves as it is, except that a lost connection is reported as such. */
  @SuppressWarnings("unchecked")
  private static <X extends Exception> X lostOr(Throwable failure) throws X {
    if (failure instanceof Error error) {
      throw error;
    }
    if (!(failure instanceof StoreException) && SqlErrors.isConnectionLost(failure)) {
      throw new StoreException(
          "COMMS-SPRING-006",
          FailureKind.TRANSIENT,
          "transaction: connection lost, rolled back",
          failure);
    }
    throw (X) failure;
  }
}
