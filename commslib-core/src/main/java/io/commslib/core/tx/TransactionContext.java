package io.commslib.core.tx;

/**
 * One running transaction. Applications get it from {@link TransactionRunner} or from a binding of
 * their framework and pass it on; bindings implement it. The library never commits, rolls back or
 * closes it.
 *
 * <p>A transaction is over once it commits or has rolled back. From then on {@link #unwrap} and
 * {@link #afterCommit} fail with a coded {@code IllegalStateException}, on every thread and also in
 * after-commit hooks, because later writes would be lost or commit on their own. The end of a bare
 * connection's transaction is not visible, so such a connection is refused once it is closed or
 * back in auto-commit mode.
 *
 * <p>Confined to the thread that runs the transaction, except {@link #setRollbackOnly()} and {@link
 * #isRollbackOnly()}, which any thread may call.
 */
public interface TransactionContext {

  /** {@return the identity of the database on which this transaction runs} */
  DatabaseId database();

  /**
   * Returns the underlying resource, for JDBC {@code java.sql.Connection}. It participates in this
   * transaction, and its commit, rollback, close and auto-commit methods are refused.
   *
   * @param <R> type of the resource
   * @param type class of the resource
   * @return the resource
   * @throws IllegalArgumentException if this transaction has no such resource
   * @throws IllegalStateException coded, if this transaction is over
   */
  <R> R unwrap(Class<R> type);

  /**
   * Runs {@code hook} once after this transaction has committed, on the committing thread. It does
   * not run after a rollback, nor if the result of the commit is unknown. Hooks run in call order
   * and must be short. Their exceptions and errors are logged and do not reach the caller.
   *
   * @param hook the hook
   * @return whether the hook will be called. It is false on a bare connection, whose commit is not
   *     visible to the library; its caller then does the hook's work itself after the commit, for
   *     example {@code outbox.wake()}
   * @throws IllegalStateException coded, if this transaction is over
   */
  boolean afterCommit(Runnable hook);

  /**
   * Marks this transaction rollback-only: it can no longer commit. A transaction whose commit has
   * already begun is not affected. Idempotent, never blocks, any thread.
   */
  void setRollbackOnly();

  /**
   * Marks this transaction rollback-only because of a failure. Stores call it before they throw,
   * because on some databases the rest of the transaction could still be committed. If the work
   * swallows the failure and returns, the runner rolls back and throws it, unless the work has
   * called {@link #setRollbackOnly()} afterwards to acknowledge the failure. Never blocks, any
   * thread.
   *
   * @param failure the failure that the store throws
   */
  default void fail(RuntimeException failure) {
    setRollbackOnly();
  }

  /** {@return whether this transaction is marked rollback-only} */
  boolean isRollbackOnly();
}
