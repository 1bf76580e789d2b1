package io.commslib.core.idempotency;

import io.commslib.core.tx.TransactionContext;
import java.time.Duration;

/**
 * Makes requests with results take effect once: claim, do the work, complete. For messages use
 * {@code Inbox}. Applications and server filters call it; stores implement it and pass {@code
 * IdempotencyStoreContract}. Thread-safe.
 *
 * <p>Two modes. By lease, for effects anywhere: the claim commits first and runs out by itself when
 * its holder dies. In a transaction, for effects in the store's own database: claim, effects and
 * result commit or roll back together, so nothing is ever left half done. Use one mode per scope.
 *
 * <p>The fingerprint is compared on every path. Times are those of the store's own clock.
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
   * Claims a request key in a transaction whose commit makes effects and result valid together.
   * Call it before the effects, and {@link #complete(TransactionContext, RequestKey, long,
   * StoredResult)} before the commit. Of concurrent callers one is granted, the others are told
   * {@code IN_FLIGHT} without waiting for its work; after a rollback the key counts as never seen.
   *
   * @param tx the request's transaction, on this store's database
   * @param request which request
   * @return the answer; {@code isTakeover} only if a lease of this key ran out before
   * @throws IllegalArgumentException if {@code tx} belongs to another database
   * @throws IllegalStateException coded, if {@code tx} is over; nothing was written
   * @throws io.commslib.core.StoreException if the store fails; the transaction must roll back
   */
  Claim claim(TransactionContext tx, RequestKey request);

  /**
   * Stores the result of a granted claim of either mode, valid when the transaction commits. A
   * result that can't be kept whole is kept in its short form ({@link StoredResult#kept()}): it is
   * no reason to roll the effects back.
   *
   * @param tx the request's transaction, on this store's database
   * @param request which request
   * @param token of the grant
   * @param result what to answer repetitions
   * @return false if the claim was taken over; the transaction must roll back
   * @throws IllegalArgumentException if {@code tx} belongs to another database
   * @throws IllegalStateException coded, if {@code tx} is over; nothing was written
   * @throws io.commslib.core.StoreException if the store fails; the transaction must roll back
   */
  boolean complete(TransactionContext tx, RequestKey request, long token, StoredResult result);

  /**
   * Remembers, in a commit of its own, that a named step of a claim by lease is done. Whoever is
   * granted the key next, after a release or a take-over, finds it in {@link Claim#steps()} and
   * need not do it again. Remembering a name again replaces its value.
   *
   * @param request which request
   * @param token of the grant
   * @param step name of the step, 1 to 64 characters
   * @param value what the next holder needs to go on, up to 2,048 characters
   * @return false if the claim was taken over: nothing was remembered, stop
   * @throws IllegalArgumentException if name or value break their rule, or hold half a surrogate
   *     pair
   * @throws io.commslib.core.StoreException {@code COMMS-IDEMPOTENCY-005} if the key's steps take
   *     more than 32,768 characters; or if the store fails
   */
  boolean remember(RequestKey request, long token, String step, String value);

  /**
   * Stores the result of a granted claim; from now on claims of this key are answered {@code
   * COMPLETED} until the result's retention ends. Repeating it with the same token and result has
   * no effect. A result that can't be kept whole, or that the store refuses for good, is kept in
   * its short form ({@link StoredResult#kept()}): it is no reason to do the work again.
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

  /**
   * Removes keys whose retention has ended, in batches. Call it from a scheduled job, never in a
   * request's path.
   *
   * @return how many were removed
   * @throws io.commslib.core.StoreException if the store fails; removed batches stay removed
   */
  long purge();
}
