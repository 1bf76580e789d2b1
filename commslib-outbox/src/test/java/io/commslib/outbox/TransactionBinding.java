package io.commslib.outbox;

import io.commslib.core.tx.TransactionContext;

/** A way to begin transactions that the outbox joins. */
public interface TransactionBinding {

  /** Work inside a transaction. */
  @FunctionalInterface
  interface Work {

    /**
     * Does the work.
     *
     * @param tx the running transaction
     * @throws Exception to roll back
     */
    void run(TransactionContext tx) throws Exception;
  }

  /** What a binding knows about the end of the transactions it joins. */
  enum Sight {
    /**
     * It begins them itself or is notified of their end: hooks run, rollback marks have an effect.
     */
    SEES_THE_END,
    /** It knows only a connection: the caller wakes the outbox. */
    BLIND
  }

  /**
   * Begins a transaction, runs the work and commits. If the work throws, rolls back and rethrows,
   * wrapped or not.
   *
   * @param work the work
   * @throws Exception the failure of the work or of the transaction
   */
  void run(Work work) throws Exception;

  /** {@return what it knows about the end of its transactions} */
  Sight sight();
}
