package io.commslib.saga;

/** State of a saga. */
public enum SagaStatus {
  /** Moving forward: a command is sent, and its reply or timeout is awaited. */
  RUNNING,
  /** Undoing: a compensation is sent, and its reply or timeout is awaited. */
  COMPENSATING,
  /** Ended: every step succeeded. */
  COMPLETED,
  /**
   * Ended: the saga was refused, timed out or was cancelled, and every started step is undone. A
   * success that becomes known later sets the saga back to {@link #COMPENSATING}.
   */
  COMPENSATED,
  /**
   * Stopped until an operator or a late reply continues it: a command or compensation used up its
   * attempts and can't be abandoned, the definition failed, or the saga could not be woken 10 times
   * in a row. The remaining work is kept.
   */
  PARKED;

  /**
   * Returns whether the saga waits for no timeout. A saga that is not at rest always has a wake-up
   * time.
   *
   * @return true for completed, compensated and parked
   */
  public boolean isAtRest() {
    return this == COMPLETED || this == COMPENSATED || this == PARKED;
  }
}
