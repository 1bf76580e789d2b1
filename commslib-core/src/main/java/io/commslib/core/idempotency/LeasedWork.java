package io.commslib.core.idempotency;

/**
 * Work of a request whose effects may be in any system. Applications implement it and pass it to
 * {@link IdempotentRequests#withLease}, which calls it on the thread of its caller.
 *
 * @param <X> type of failure it may throw
 */
@FunctionalInterface
public interface LeasedWork<X extends Exception> {

  /**
   * Works.
   *
   * @param attempt this attempt, with the steps of earlier ones
   * @return the result, of any size; must not be null
   * @throws X if it failed; nothing is stored and the next attempt is granted immediately, or after
   *     the lease if a step could not be remembered
   */
  StoredResult run(RequestAttempt attempt) throws X;
}
