package io.commslib.core.tx;

import org.jspecify.annotations.Nullable;

/**
 * The state of one transaction, for bindings: open, marked rollback-only, sealed for its commit,
 * over. It holds the recorded failure and the after-commit hooks, and decides between a commit and
 * a mark that another thread sets at the same time. It knows no database; what an end means, and
 * the text with which a use after it is refused, are the binding's.
 *
 * <p>Hooks are confined to the transaction's thread; everything else is thread-safe and never
 * blocks.
 */
public final class TransactionState {

  private enum Phase {
    OPEN,
    ROLLBACK_ONLY,
    SEALED
  }

  private final AfterCommitHooks hooks = new AfterCommitHooks();
  private volatile boolean over;
  private Phase phase = Phase.OPEN;
  private @Nullable RuntimeException failure;

  /** Creates the state of a transaction that has begun. */
  public TransactionState() {}

  /**
   * Marks the transaction rollback-only and forgets a recorded failure, as {@link
   * TransactionContext#setRollbackOnly} requires. Does not affect a sealed transaction.
   */
  public synchronized void setRollbackOnly() {
    if (phase == Phase.OPEN) {
      phase = Phase.ROLLBACK_ONLY;
    }
    failure = null;
  }

  /**
   * Marks the transaction rollback-only and records why, as {@link TransactionContext#fail}
   * requires.
   *
   * @param newFailure replaces one that was recorded before
   */
  public synchronized void fail(RuntimeException newFailure) {
    setRollbackOnly();
    failure = newFailure;
  }

  /**
   * Returns the recorded failure. If the callback returned normally, it has swallowed this failure,
   * and the runner throws it after the rollback.
   *
   * @return the failure; null if none was recorded, or {@link #setRollbackOnly} was called after it
   */
  public synchronized @Nullable RuntimeException failure() {
    return failure;
  }

  /** {@return whether the transaction is marked rollback-only} */
  public synchronized boolean isRollbackOnly() {
    return phase == Phase.ROLLBACK_ONLY;
  }

  /**
   * Decides for the commit. Later marks have no effect.
   *
   * @return false if the transaction was marked rollback-only before; it must roll back
   */
  public synchronized boolean seal() {
    if (phase == Phase.ROLLBACK_ONLY) {
      return false;
    }
    phase = Phase.SEALED;
    return true;
  }

  /** {@return whether the transaction was sealed for its commit} */
  public synchronized boolean isSealed() {
    return phase == Phase.SEALED;
  }

  /** Ends the transaction: from now on the binding refuses every use of it. */
  public void end() {
    over = true;
  }

  /** {@return whether the transaction has ended} */
  public boolean isOver() {
    return over;
  }

  /**
   * Adds an after-commit hook.
   *
   * @param hook runs after those added before it
   */
  public void addHook(Runnable hook) {
    hooks.add(hook);
  }

  /** Runs the hooks as {@link AfterCommitHooks#run} does. Call it only after the commit. */
  public void runHooks() {
    hooks.run();
  }
}
