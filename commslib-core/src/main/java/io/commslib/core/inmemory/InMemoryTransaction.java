package io.commslib.core.inmemory;

/**
 * The resource of an in-memory transaction, returned by {@code
 * tx.unwrap(InMemoryTransaction.class)}. In-memory stores register their actions for commit and
 * rollback. Confined to the transaction's thread.
 */
public interface InMemoryTransaction {

  /**
   * Registers an action for the commit. Actions run in call order and must not throw.
   *
   * @param action makes the change visible
   */
  void onCommit(Runnable action);

  /**
   * Registers an action for the rollback of a change that is already visible. Actions run in
   * reverse order and must not throw.
   *
   * @param action undoes the change
   */
  void onRollback(Runnable action);
}
