package io.commslib.spring;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.StoreException;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactions;
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
 * Runs transactions of the application's own transaction manager, so that handlers can use
 * repositories and {@code @Transactional} methods beside the outbox. Every transaction is new, with
 * isolation READ COMMITTED. Thread-safe.
 *
 * <p>Work that swallows the failure of a statement and returns is not committed if the database has
 * rolled its transaction back: {@link #run} throws {@code COMMS-JDBC-016}. On PostgreSQL this
 * applies to all statements on Spring's connection; the driver's state is read, and a statement
 * asks the server only if a wrapper hides the driver. On MariaDB and MySQL a savepoint is set at
 * the beginning and released before the commit, which costs two statements. On H2 only failures on
 * the connection of the transaction context are detected.
 */
public final class SpringTransactionRunner implements TransactionRunner {

  private static final String LOST = "COMMS-SPRING-006";

  private final PlatformTransactionManager manager;
  private final JdbcDatabase database;
  private final TransactionDefinition definition;

  private SpringTransactionRunner(PlatformTransactionManager manager, JdbcDatabase database) {
    this.manager = manager;
    this.database = database;
    DefaultTransactionDefinition always =
        new DefaultTransactionDefinition(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
    if (database.dialect() != SqlDialect.POSTGRESQL) {
      // On PostgreSQL Spring would set it for the session. It is set inside the transaction
      // instead.
      always.setIsolationLevel(TransactionDefinition.ISOLATION_READ_COMMITTED);
    }
    always.setName("commslib");
    this.definition = always;
  }

  /**
   * Creates a runner. Begins a transaction and rolls it back, to detect a manager that can't begin
   * one or uses another data source. Blocks. An unreachable database is not a failure here.
   *
   * @param manager a manager that binds a JDBC connection of the database's data source to the
   *     thread, as the managers for JDBC and JPA do
   * @param database a database created with the manager's data source, the same object
   * @return new runner; needs no closing
   * @throws StoreException of kind {@code PERMANENT}: {@code COMMS-SPRING-007} if the manager does
   *     not support new transactions with isolation READ COMMITTED, as a JTA manager without
   *     further settings; {@code COMMS-SPRING-002} if its transactions do not use the data source
   *     of the database, or are not bound to the thread
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
    try {
      TransactionStatus status = begin(FailureKind.PERMANENT);
      try {
        bind(FailureKind.PERMANENT).end();
      } finally {
        rollBack(status, null);
      }
    } catch (StoreException e) {
      if (e.kind() == FailureKind.PERMANENT) {
        throw e;
      }
    }
  }

  /**
   * Returns the transaction that has just been begun.
   *
   * @param ifUnsuitable the kind of the failure if the manager is unsuitable
   */
  private SpringTransaction bind(FailureKind ifUnsuitable) {
    try {
      return SpringTransaction.begun(database);
    } catch (IllegalStateException e) {
      throw unsuitable(ifUnsuitable, ": " + e.getMessage(), e);
    } catch (StoreException e) {
      throw e.code().equals("COMMS-SPRING-002") ? unsuitable(ifUnsuitable, "", e) : e;
    }
  }

  private StoreException unsuitable(FailureKind kind, String text, RuntimeException cause) {
    return new StoreException(
        "COMMS-SPRING-002",
        kind,
        "transaction manager: "
            + manager.getClass().getSimpleName()
            + text
            + " (expected: one that binds a connection of the data source of "
            + database
            + " to the thread, as those of JDBC and JPA that are made with the same data source)",
        cause);
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
   * Runs work as {@link TransactionRunner#run} describes.
   *
   * @throws StoreException as {@link TransactionRunner#run}; {@code COMMS-SPRING-002} or {@code
   *     COMMS-SPRING-007}, of kind {@code TRANSIENT}, if the manager is unsuitable, which {@link
   *     #create} could not detect while the database was unreachable: nothing was done, and a
   *     subscription pauses
   */
  @Override
  public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
    Objects.requireNonNull(work, "work");
    // A message can't be the cause of an unsuitable manager and must not be dead-lettered for it.
    TransactionStatus status = begin(FailureKind.TRANSIENT);
    SpringTransaction tx;
    try {
      tx = bind(FailureKind.TRANSIENT);
    } catch (Throwable failure) {
      rollBack(status, failure);
      throw SqlErrors.<X>workFailure(LOST, failure, null, database);
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
      throw this.<X>rolledBack(status, tx, failure);
    }
    if (tx.seal()) {
      commit(status);
    } else {
      RuntimeException swallowed = tx.failure();
      if (swallowed != null) {
        throw this.<RuntimeException>rolledBack(status, tx, swallowed);
      }
      rollBack(status, null);
    }
    return result;
  }

  /** Rolls back and returns what to throw. */
  private <X extends Exception> X rolledBack(
      TransactionStatus status, SpringTransaction tx, Throwable failure) {
    try {
      X thrown =
          SqlErrors.workFailure(
              LOST, SqlErrors.decisive(failure, tx.failure()), tx.guarded(), database);
      end(status, tx, thrown);
      return thrown;
    } catch (RuntimeException | Error thrown) {
      end(status, tx, thrown);
      throw thrown;
    }
  }

  private void end(TransactionStatus status, SpringTransaction tx, Throwable failure) {
    if (Failures.isWrongSession(failure)) {
      // Another statement might be run in place of ROLLBACK too.
      JdbcTransactions.destroy(tx.guarded());
    }
    rollBack(status, failure);
  }

  /** Begins a transaction. No statement has run yet, so a failure can't quote values. */
  private TransactionStatus begin(FailureKind ifUnsuitable) {
    try {
      return manager.getTransaction(definition);
    } catch (TransactionUsageException
        | NestedTransactionNotSupportedException
        | TransactionSuspensionNotSupportedException e) {
      throw new StoreException(
          "COMMS-SPRING-007",
          ifUnsuitable,
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
    } catch (ConcurrencyFailureException e) {
      throw failed(FailureKind.CONTENTION, e);
    } catch (TransactionException | DataAccessException e) {
      SQLException cause = sqlCause(e);
      if (cause != null) {
        throw SqlErrors.<RuntimeException>workFailure(
            LOST, SqlErrors.translateCommit(cause), null, database);
      }
      // A refusal of JPA's flush before the commit proves nothing and counts as a failed attempt.
      throw failed(
          e instanceof TransactionSystemException
              ? FailureKind.UNKNOWN_RESULT
              : FailureKind.CONTENTION,
          e);
    }
  }

  private static StoreException failed(FailureKind kind, RuntimeException cause) {
    return new StoreException(
        "COMMS-SPRING-005",
        kind,
        "commit failed: " + cause.getClass().getSimpleName(),
        SqlErrors.withoutValues(cause));
  }

  private static @Nullable SQLException sqlCause(Throwable failure) {
    return Failures.find(failure, SQLException.class).orElse(null);
  }

  private void rollBack(TransactionStatus status, @Nullable Throwable failure) {
    try {
      manager.rollback(status);
    } catch (RuntimeException e) {
      // The database rolls back the transaction of a broken connection.
      if (failure != null && failure != e) {
        failure.addSuppressed(SqlErrors.withoutValues(e));
      }
    }
  }
}
