package io.commslib.spring;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionState;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SqlErrors;
import java.lang.ref.WeakReference;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.core.PriorityOrdered;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Spring's transaction of one thread on one database. It is bound to the thread beside Spring's
 * connection, and suspended and resumed with it when another transaction runs in between. It is
 * over when Spring starts the callbacks after the end; every later use is refused.
 */
final class SpringTransaction implements TransactionContext, TransactionSynchronization {

  private static final Logger log = LoggerFactory.getLogger(SpringTransaction.class);

  /**
   * The connection of the last transaction that ended on this thread. Callbacks after its end may
   * try to join it again, after all synchronization has ended.
   */
  private static final ThreadLocal<WeakReference<ConnectionHolder>> ENDED = new ThreadLocal<>();

  /** Key of the binding; other code might bind a resource under the identity itself. */
  private record Key(DatabaseId database) {}

  /**
   * Runs before all other callbacks, so that none of them can use the ended transaction, or begin
   * another one on its connection.
   */
  private final class End implements TransactionSynchronization, PriorityOrdered {
    @Override
    public int getOrder() {
      return Ordered.HIGHEST_PRECEDENCE;
    }

    @Override
    public void afterCommit() {
      end();
      // The holder may have released its connection, and would then fetch another one.
      JdbcTransactions.refuseUncommitted(guarded, jdbc);
    }

    @Override
    public void afterCompletion(int status) {
      end();
      restoreNames.run();
    }
  }

  private final Key key;
  private final JdbcDatabase jdbc;
  private final ConnectionHolder holder;
  private final Connection guarded;
  private final Thread owner = Thread.currentThread();
  private final TransactionState state = new TransactionState();
  private boolean reportedCommitted;
  private Runnable restoreNames = () -> {};
  private @Nullable Savepoint probe;

  private SpringTransaction(Key key, JdbcDatabase jdbc, ConnectionHolder holder) {
    this.key = key;
    this.jdbc = jdbc;
    this.holder = holder;
    this.guarded = JdbcTransactions.guarded(holder.getConnection());
  }

  /** Returns the transaction that runs on this thread. */
  static SpringTransaction current(JdbcDatabase database) {
    return current(database, false);
  }

  /** Returns the transaction that the runner has just begun on this thread. */
  static SpringTransaction begun(JdbcDatabase database) {
    SpringTransaction transaction = current(database, true);
    transaction.restoreNames = JdbcTransactions.begun(transaction.holder.getConnection(), database);
    transaction.setProbe();
    return transaction;
  }

  /**
   * Sets a savepoint that shows later whether the transaction still exists. MariaDB and MySQL roll
   * back the whole transaction with its savepoints after a deadlock, and the next statement begins
   * another one. The application's statements run on Spring's connection, where the library does
   * not see their failures.
   */
  private void setProbe() {
    if (jdbc.dialect().isMySql()) {
      try {
        probe = holder.getConnection().setSavepoint();
      } catch (SQLException e) {
        throw SqlErrors.translate("begin", e);
      }
    }
  }

  private static SpringTransaction current(JdbcDatabase database, boolean isNew) {
    ConnectionHolder holder = holder(database);
    Key key = new Key(database.id());
    if (TransactionSynchronizationManager.getResource(key) instanceof SpringTransaction known) {
      if (known.holder == holder) {
        known.refuseOver();
        return known;
      }
      // It belongs to an ended transaction whose callbacks still run.
      TransactionSynchronizationManager.unbindResource(key);
    }
    if (!isNew && (hasEnded(holder) || SpringPhase.isOver(holder))) {
      throw over();
    }
    // Checks that auto-commit is off: on a connection without a transaction each statement commits.
    JdbcTransactions.join(holder.getConnection(), database);
    SpringTransaction transaction = new SpringTransaction(key, database, holder);
    TransactionSynchronizationManager.registerSynchronization(transaction.new End());
    TransactionSynchronizationManager.registerSynchronization(transaction);
    TransactionSynchronizationManager.bindResource(key, transaction);
    return transaction;
  }

  private static ConnectionHolder holder(JdbcDatabase database) {
    boolean isActive = TransactionSynchronizationManager.isActualTransactionActive();
    boolean isSynchronized = TransactionSynchronizationManager.isSynchronizationActive();
    if (isActive && !isSynchronized && SpringPhase.isInCallbackAfterTheEnd()) {
      throw over();
    }
    if (!isActive || !isSynchronized) {
      throw new IllegalStateException(
          "COMMS-SPRING-001: transaction: none on this thread (expected: one of Spring's, as in a"
              + " @Transactional method)");
    }
    if (TransactionSynchronizationManager.getResource(database.dataSource())
        instanceof ConnectionHolder holder) {
      return holder;
    }
    // An error of the service's configuration: it must not dead-letter a message.
    throw new StoreException(
        "COMMS-SPRING-002",
        FailureKind.TRANSIENT,
        "transaction: one that does not use the data source of "
            + database
            + " (expected: the data source of the transaction manager)",
        null);
  }

  private static boolean hasEnded(ConnectionHolder holder) {
    WeakReference<ConnectionHolder> ended = ENDED.get();
    return ended != null && ended.refersTo(holder) && SpringPhase.isInCallbackAfterTheEnd();
  }

  private static IllegalStateException over() {
    return new IllegalStateException(
        "COMMS-SPRING-008: the transaction is over (expected: one that runs; publish before the"
            + " commit in beforeCommit, after it in a new transaction, with REQUIRES_NEW)");
  }

  private void refuseOver() {
    if (state.isOver() || isBehindTheEnd()) {
      throw over();
    }
  }

  /** Callbacks with the same precedence may come before {@link End}. */
  private boolean isBehindTheEnd() {
    return Thread.currentThread() == owner
        && (state.isSealed() || !TransactionSynchronizationManager.isSynchronizationActive())
        && SpringPhase.isInCallbackAfterTheEnd();
  }

  /** Refuses every later use. */
  void end() {
    state.end();
  }

  @Override
  public DatabaseId database() {
    return key.database();
  }

  @Override
  public <R> R unwrap(Class<R> type) {
    Checks.check(type == Connection.class, "unwrap", type.getName(), "java.sql.Connection");
    refuseOver();
    return type.cast(guarded);
  }

  @Override
  public boolean afterCommit(Runnable hook) {
    refuseOver();
    state.addHook(hook);
    return true;
  }

  @Override
  public void setRollbackOnly() {
    state.setRollbackOnly();
  }

  @Override
  public void fail(RuntimeException failure) {
    state.fail(failure);
  }

  @Override
  public boolean isRollbackOnly() {
    return state.isRollbackOnly() || holder.isRollbackOnly();
  }

  /** Returns the connection with the failures of its statements, also after the end. */
  Connection guarded() {
    return guarded;
  }

  /** Failure that was reported to the callback and swallowed by it. */
  @Nullable RuntimeException failure() {
    return state.failure();
  }

  /** Decides for the commit; false if it was marked rollback-only before. */
  boolean seal() {
    return state.seal();
  }

  @Override
  public void beforeCommit(boolean readOnly) {
    if (!seal()) {
      throw new IllegalStateException(
          "COMMS-SPRING-003: transaction: marked rollback-only (expected: one that can commit; the"
              + " cause, if present, is the reason)",
          failure());
    }
    refuseRolledBack();
  }

  /**
   * Runs after the callbacks of the application, which may swallow failures like the work. JPA
   * flushes later and throws its failures.
   */
  private void refuseRolledBack() {
    JdbcTransactions.refuseRolledBack(guarded, jdbc);
    Savepoint set = probe;
    if (set != null) {
      try {
        holder.getConnection().releaseSavepoint(set);
      } catch (SQLException e) {
        throw SqlErrors.translateRolledBack(e);
      }
    }
  }

  @Override
  public void afterCommit() {
    reportedCommitted = true;
    state.runHooks();
  }

  @Override
  public void suspend() {
    TransactionSynchronizationManager.unbindResourceIfPossible(key);
  }

  @Override
  public void resume() {
    TransactionSynchronizationManager.bindResource(key, this);
  }

  @Override
  public void afterCompletion(int status) {
    ENDED.set(new WeakReference<>(holder));
    if (TransactionSynchronizationManager.getResource(key) == this) {
      TransactionSynchronizationManager.unbindResource(key);
    }
    if (reportedCommitted && status == STATUS_UNKNOWN) {
      // This status shows that a transaction without synchronization was joined.
      log.error(
          "COMMS-SPRING-008: a transaction that was over, or is not synchronized, was joined: its"
              + " writes may be lost");
    }
  }
}
