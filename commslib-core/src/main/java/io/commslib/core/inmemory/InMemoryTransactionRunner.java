package io.commslib.core.inmemory;

import io.commslib.core.spi.Checks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Transactions for the in-memory outbox and inbox: commit and rollback as with a database, without
 * one. For users' tests. Thread-safe; each runner is a database of its own.
 *
 * @since 0.1
 */
public final class InMemoryTransactionRunner implements TransactionRunner {

  private static final Logger log = LoggerFactory.getLogger(InMemoryTransactionRunner.class);

  private final DatabaseId database = DatabaseId.of(this, "memory");

  private InMemoryTransactionRunner() {}

  /**
   * Creates a runner.
   *
   * @return new runner, with a database identity of its own
   */
  public static InMemoryTransactionRunner create() {
    return new InMemoryTransactionRunner();
  }

  @Override
  public DatabaseId database() {
    return database;
  }

  @Override
  public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
    Context tx = new Context(database);
    boolean returned = false;
    T result;
    try {
      result = work.run(tx);
      returned = true;
    } finally {
      if (!returned) {
        tx.rollBack();
      }
    }
    if (tx.seal()) {
      tx.commit();
    } else {
      tx.rollBack();
    }
    return result;
  }

  private static final class Context implements TransactionContext, InMemoryTransaction {
    private final DatabaseId database;
    private final List<Runnable> commits = new ArrayList<>();
    private final Deque<Runnable> rollbacks = new ArrayDeque<>();
    private final List<Runnable> hooks = new ArrayList<>();
    private boolean rollbackOnly;
    private boolean sealed;

    Context(DatabaseId database) {
      this.database = database;
    }

    @Override
    public DatabaseId database() {
      return database;
    }

    @Override
    public <R> R unwrap(Class<R> type) {
      Checks.check(
          type == InMemoryTransaction.class,
          "unwrap",
          type.getName(),
          InMemoryTransaction.class.getName());
      return type.cast(this);
    }

    @Override
    public boolean afterCommit(Runnable hook) {
      hooks.add(hook);
      return true;
    }

    @Override
    public synchronized void setRollbackOnly() {
      rollbackOnly |= !sealed;
    }

    @Override
    public synchronized boolean isRollbackOnly() {
      return rollbackOnly;
    }

    @Override
    public void onCommit(Runnable action) {
      commits.add(action);
    }

    @Override
    public void onRollback(Runnable action) {
      rollbacks.push(action);
    }

    private synchronized boolean seal() {
      sealed = !rollbackOnly;
      return sealed;
    }

    private void commit() {
      commits.forEach(Runnable::run);
      for (Runnable hook : hooks) {
        try {
          hook.run();
        } catch (RuntimeException e) {
          log.error("after-commit hook failed", e);
        }
      }
    }

    private void rollBack() {
      rollbacks.forEach(Runnable::run);
    }
  }
}
