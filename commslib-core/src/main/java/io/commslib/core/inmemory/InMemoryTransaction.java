package io.commslib.core.inmemory;

/**
 * The resource of an in-memory transaction: what {@code tx.unwrap(InMemoryTransaction.class)}
 * gives. In-memory stores register what commit and rollback mean for them. Confined to the
 * transaction's thread.
 */
public interface InMemoryTransaction {

  /**
   * Registers what takes effect at commit; actions run in call order and must not throw.
   *
   * @param action makes the change visible
   */
  void onCommit(Runnable action);

  /**
   * Registers what undoes a change already visible; actions run in reverse order and must not
   * throw.
   *
   * @param action takes the change back
   */
  void onRollback(Runnable action);
}
