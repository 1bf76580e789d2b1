package io.commslib.core.call;

/** The policy on the caller's side that refused an attempt, which therefore was not sent. */
public enum Refusal {
  /** The remote has no endpoint to which the attempt could go. */
  ENDPOINT,
  /** The circuit breaker is open. */
  BREAKER,
  /** The rate limiter has no token. */
  RATE_LIMITER,
  /** The bulkhead has no free slot. */
  BULKHEAD,
  /** The time left is too short for an attempt. */
  DEADLINE,
  /** The process drains, and its calls in flight have been waited for. */
  DRAINED
}
