package io.commslib.outbox;

import io.commslib.core.tx.TransactionContext;

/** A way to begin transactions that the outbox takes part in. */
public interface TransactionBinding {

  /** What is done inside a transaction. */
  @FunctionalInterface
  interface Work {

    /**
     * Does it.
     *
     * @param tx the running transaction
     * @throws Exception to roll back
     */
    void run(TransactionContext tx) throws Exception;
  }

  /** What a binding can see of the transactions it joins. */
  enum Sight {
    /** It begins them itself, or is told of their ends: hooks run, marks are heeded. */
    SEES_THE_END,
    /** A bare connection: the caller wakes the outbox. */
    BLIND
  }

  /**
   * Begins a transaction, runs the work and commits. Rolls back if the work throws, and lets that
   * leave, wrapped or not.
   *
   * @param work what to do
   * @throws Exception what the work threw, or what ended the transaction
   */
  void run(Work work) throws Exception;

  /**
   * Returns what it sees.
   *
   * @return the sight
   */
  Sight sight();
}
