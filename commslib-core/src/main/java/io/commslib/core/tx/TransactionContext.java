package io.commslib.core.tx;

/**
 * One running transaction, as the library's parts see it. Applications get it from {@link
 * TransactionRunner} or from a binding of their framework and pass it on; bindings implement it.
 * The library never commits, rolls back or closes it.
 *
 * <p>Over means over: once the transaction commits or has rolled back, {@link #unwrap} and {@link
 * #afterCommit} are refused with a coded {@code IllegalStateException}, on every thread, in
 * after-commit hooks too. What would be written then would be lost, or commit alone. A bare
 * connection, whose end can't be seen, is refused once it is closed or back in auto-commit mode.
 *
 * <p>Confined to the thread that runs the transaction, except {@link #setRollbackOnly()} and {@link
 * #isRollbackOnly()}, which any thread may call.
 */
public interface TransactionContext {

  /**
   * Returns which database this transaction belongs to.
   *
   * @return the identity
   */
  DatabaseId database();

  /**
   * Returns the underlying resource, for JDBC {@code java.sql.Connection}. It takes part in this
   * transaction; its commit, rollback, close and auto-commit methods are refused.
   *
   * @param <R> type of the resource
   * @param type class of the resource
   * @return the resource
   * @throws IllegalArgumentException if this transaction has no such resource
   * @throws IllegalStateException coded, if this transaction is over
   */
  <R> R unwrap(Class<R> type);

  /**
   * Runs {@code hook} once after this transaction has committed, on the committing thread; not
   * after a rollback and not when the result of the commit is unknown. Hooks run in call order,
   * must be short, and what they throw is logged, an error too: it does not reach the caller.
   *
   * @param hook what to run
   * @return whether the hook will be called: false on a bare connection, whose commit nobody sees;
   *     the caller of such a transaction does itself after commit what the hook would have done,
   *     for example {@code outbox.wake()}
   * @throws IllegalStateException coded, if this transaction is over
   */
  boolean afterCommit(Runnable hook);

  /**
   * Makes a commit impossible: whoever ends this transaction must roll back. Idempotent, never
   * blocks, any thread. A transaction whose commit has already begun is not affected.
   */
  void setRollbackOnly();

  /**
   * Makes a commit impossible because something in this transaction failed. Stores call it before
   * they throw: on some databases the rest could still be committed. Should the work take no notice
   * and return, the runner rolls back and throws this failure; unless {@link #setRollbackOnly()}
   * was called after it, which says that the work knows. Never blocks, any thread.
   *
   * @param failure what is thrown here as well
   */
  default void fail(RuntimeException failure) {
    setRollbackOnly();
  }

  /**
   * Returns whether only a rollback is possible.
   *
   * @return true after {@link #setRollbackOnly()}
   */
  boolean isRollbackOnly();
}
