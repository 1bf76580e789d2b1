package io.commslib.core.idempotency;

import java.time.Duration;

/**
 * Makes requests with results take effect once, by lease: claim, do the work, complete. For
 * messages use {@link Inbox}. Applications and server filters call it; stores implement it.
 * Thread-safe.
 *
 * <p>The fingerprint is compared on every path. Times are those of the store's own clock.
 *
 * @since 0.1
 */
public interface IdempotencyStore {

  /**
   * Claims a request key, in a commit of its own. Of any number of concurrent callers exactly one
   * is granted; after {@code lease} without completion the next caller is granted a take-over with
   * a higher token. Blocks for the store only, never for another caller's work.
   *
   * @param request which request
   * @param lease how long the holder may take
   * @return the answer
   * @throws io.commslib.core.StoreException if the store fails; with kind {@code UNKNOWN_RESULT}
   *     the claim may have been granted and then runs out by itself
   */
  Claim claim(RequestKey request, Duration lease);

  /**
   * Stores the result of a granted claim; from now on claims of this key are answered {@code
   * COMPLETED} until the result's retention ends. Repeating it with the same token and result has
   * no effect.
   *
   * @param request which request
   * @param token of the grant
   * @param result what to answer repetitions
   * @return false if the claim was taken over: nothing was stored, the caller's effects may be done
   *     twice
   * @throws io.commslib.core.StoreException if the store fails
   */
  boolean complete(RequestKey request, long token, StoredResult result);

  /**
   * Gives a granted claim back without result, so that the next caller is granted at once.
   *
   * @param request which request
   * @param token of the grant
   * @return false if the claim was taken over: nothing was changed
   * @throws io.commslib.core.StoreException if the store fails; the lease then runs out by itself
   */
  boolean release(RequestKey request, long token);
}
