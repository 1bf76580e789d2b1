package io.commslib.spring;

import io.commslib.core.spi.Checks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Spring's transaction of one thread on one database. Bound to the thread beside Spring's own
 * connection, and put aside and brought back with it when another transaction runs in between.
 */
final class SpringTransaction implements TransactionContext, TransactionSynchronization {

  private static final Logger log = LoggerFactory.getLogger(SpringTransaction.class);

  private enum State {
    OPEN,
    ROLLBACK_ONLY,
    SEALED
  }

  /** What it is bound under; the database's identity alone might be somebody else's key. */
  private record Key(DatabaseId database) {}

  private final Key key;
  private final ConnectionHolder holder;
  private final Connection guarded;
  private final List<Runnable> hooks = new ArrayList<>();
  private State state = State.OPEN;
  private @Nullable RuntimeException failure;

  private SpringTransaction(Key key, ConnectionHolder holder) {
    this.key = key;
    this.holder = holder;
    this.guarded = JdbcTransactions.guarded(holder.getConnection());
  }

  static SpringTransaction current(JdbcDatabase database) {
    if (!TransactionSynchronizationManager.isActualTransactionActive()
        || !TransactionSynchronizationManager.isSynchronizationActive()) {
      throw new IllegalStateException(
          "COMMS-SPRING-001: transaction: none on this thread (expected: one of Spring's, as in a"
              + " @Transactional method)");
    }
    Key key = new Key(database.id());
    if (TransactionSynchronizationManager.getResource(key) instanceof SpringTransaction known) {
      return known;
    }
    if (!(TransactionSynchronizationManager.getResource(database.dataSource())
        instanceof ConnectionHolder holder)) {
      throw new IllegalStateException(
          "COMMS-SPRING-002: transaction: one that does not use the data source of "
              + database
              + " (expected: the data source of the transaction manager)");
    }
    // Checks that auto-commit is off: a connection bound without a transaction would commit alone.
    JdbcTransactions.join(holder.getConnection(), database);
    SpringTransaction transaction = new SpringTransaction(key, holder);
    TransactionSynchronizationManager.registerSynchronization(transaction);
    TransactionSynchronizationManager.bindResource(key, transaction);
    return transaction;
  }

  @Override
  public DatabaseId database() {
    return key.database();
  }

  @Override
  public <R> R unwrap(Class<R> type) {
    Checks.check(type == Connection.class, "unwrap", type.getName(), "java.sql.Connection");
    return type.cast(guarded);
  }

  @Override
  public boolean afterCommit(Runnable hook) {
    hooks.add(hook);
    return true;
  }

  @Override
  public synchronized void setRollbackOnly() {
    if (state == State.OPEN) {
      state = State.ROLLBACK_ONLY;
    }
    failure = null;
  }

  @Override
  public synchronized void fail(RuntimeException newFailure) {
    setRollbackOnly();
    failure = newFailure;
  }

  /** What the work was told of and took no notice of; asked when the work has returned. */
  synchronized @Nullable RuntimeException failure() {
    return failure;
  }

  @Override
  public synchronized boolean isRollbackOnly() {
    return state == State.ROLLBACK_ONLY || holder.isRollbackOnly();
  }

  /** Decides for the commit; false if a mark was quicker. */
  synchronized boolean seal() {
    if (state == State.ROLLBACK_ONLY) {
      return false;
    }
    state = State.SEALED;
    return true;
  }

  @Override
  public void beforeCommit(boolean readOnly) {
    if (!seal()) {
      throw new IllegalStateException(
          "COMMS-SPRING-003: the transaction is marked rollback-only and can't commit", failure());
    }
  }

  @Override
  public void afterCommit() {
    for (Runnable hook : hooks) {
      try {
        hook.run();
      } catch (RuntimeException e) {
        log.error("after-commit hook failed", e);
      }
    }
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
    TransactionSynchronizationManager.unbindResourceIfPossible(key);
  }
}
