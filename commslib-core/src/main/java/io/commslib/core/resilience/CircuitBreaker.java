package io.commslib.core.resilience;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Stops calls to a remote that fails, and probes whether it works again. Thread-safe; never blocks.
 */
public interface CircuitBreaker {

  /** The states of a breaker. */
  enum State {
    /** Attempts are made and counted. */
    CLOSED,
    /** No attempt is made until the open time has passed. */
    OPEN,
    /** A few attempts probe the remote. */
    HALF_OPEN,
    /** Attempts are made and nothing is counted, by the operator's choice. */
    DISABLED,
    /** No attempt is made until the operator decides otherwise. */
    FORCED_OPEN
  }

  /**
   * Asks for an attempt.
   *
   * @return the permit, which must be ended; null if the breaker refuses
   */
  @Nullable Permit tryAcquire();

  /** {@return the state} */
  State state();

  /** {@return the time until the breaker admits a probe; zero if it admits attempts} */
  Duration retryAfter();
}
