package io.commslib.saga;

/**
 * Where a saga is in its life.
 *
 * @since 0.1
 */
public enum SagaStatus {
  /** Going forward. */
  RUNNING,
  /** Undoing what was done. */
  COMPENSATING,
  /** Waits for a person; what is left to do is kept. */
  PARKED,
  /** Every step was done. */
  COMPLETED,
  /** Every step that had taken effect was undone. */
  COMPENSATED;

  /**
   * Returns whether nothing happens any more by itself.
   *
   * @return true for parked, completed and compensated
   */
  public boolean isAtRest() {
    return this == PARKED || isTerminal();
  }

  /**
   * Returns whether nothing can happen any more.
   *
   * @return true for completed and compensated
   */
  public boolean isTerminal() {
    return this == COMPLETED || this == COMPENSATED;
  }
}
