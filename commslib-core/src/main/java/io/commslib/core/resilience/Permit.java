package io.commslib.core.resilience;

import io.commslib.core.call.CallOutcome;

/**
 * The permission of a policy for one attempt. It ends with {@link #ended} or {@link #released},
 * whichever is called first; later calls have no effect. That of a circuit breaker has a lease and
 * expires with it if it is never ended. Thread-safe; never blocks.
 */
public interface Permit {

  /**
   * Ends the attempt with its outcome.
   *
   * @param outcome the outcome
   * @param nanos the duration of the attempt
   */
  void ended(CallOutcome outcome, long nanos);

  /** Ends the permit without an attempt, for example because a later policy refused it. */
  void released();
}
