package io.commslib.core.inmemory;

import io.commslib.core.checks.Checks;
import io.commslib.core.tx.AfterCommitHooks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Runs transactions for the in-memory outbox and inbox, with commit and rollback but without a
 * database. For users' tests. Thread-safe; each runner is a database of its own.
 */
public final class InMemoryTransactionRunner implements TransactionRunner {

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
    private final AfterCommitHooks hooks = new AfterCommitHooks();
    private boolean rollbackOnly;
    private boolean sealed;
    private boolean over;

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
      refuseOver();
      return type.cast(this);
    }

    @Override
    public boolean afterCommit(Runnable hook) {
      refuseOver();
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
      refuseOver();
      commits.add(action);
    }

    @Override
    public void onRollback(Runnable action) {
      refuseOver();
      rollbacks.push(action);
    }

    /** After the end of the transaction, a registered action would never run. */
    private synchronized void refuseOver() {
      if (over) {
        throw new IllegalStateException(
            "COMMS-MEMORY-009: the transaction is over (expected: its work has not returned)");
      }
    }

    private synchronized boolean seal() {
      sealed = !rollbackOnly;
      over = true;
      return sealed;
    }

    private void commit() {
      try {
        runAll(commits);
      } finally {
        hooks.run();
      }
    }

    private void rollBack() {
      synchronized (this) {
        over = true;
      }
      runAll(rollbacks);
    }

    /** Runs all actions, also after one has failed, and throws the first failure. */
    private static void runAll(Iterable<Runnable> actions) {
      Throwable failure = null;
      for (Runnable action : actions) {
        try {
          action.run();
        } catch (RuntimeException | Error e) {
          if (failure == null) {
            failure = e;
          } else if (failure != e) {
            failure.addSuppressed(e);
          }
        }
      }
      if (failure instanceof Error error) {
        throw error;
      }
      if (failure != null) {
        throw (RuntimeException) failure;
      }
    }
  }
}
