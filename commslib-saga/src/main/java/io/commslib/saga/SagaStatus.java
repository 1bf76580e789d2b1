package io.commslib.saga;

/** Where a saga stands. */
public enum SagaStatus {
  /** Going forward: a command is out and its reply, or its timeout, is awaited. */
  RUNNING,
  /** Going back: a compensation is out and its reply, or its timeout, is awaited. */
  COMPENSATING,
  /** Every step succeeded. */
  COMPLETED,
  /**
   * Refused, timed out or cancelled, and every started step is undone. A success that becomes known
   * after that sets it back to {@link #COMPENSATING}.
   */
  COMPENSATED,
  /**
   * Stopped at a command or compensation that has used up its attempts and can't be given up, or
   * because its definition failed or it could not be woken 10 times in a row; an operator or a late
   * reply makes it go on. Nothing is lost: what remains to be done is kept.
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
