package io.commslib.core.resilience;

/** The bound of all retries of one remote. Engines call it. Thread-safe; never blocks. */
public interface RetryBudget {

  /** Counts a call, which adds its share to the budget. */
  void deposit();

  /**
   * Takes one retry from the budget.
   *
   * @return false if the budget is used up; the call then ends with what it has
   */
  boolean tryWithdraw();

  /** {@return the number of retries that the budget admits now, rounded down} */
  int balance();
}
