package io.commslib.core.idempotency;

import io.commslib.core.tx.TransactionContext;
import java.time.Duration;

/**
 * Makes requests with results take effect once: claim, do the work, complete. For messages use
 * {@code Inbox} instead. Applications and server filters call it; stores implement it and pass
 * {@code IdempotencyStoreContract}. Thread-safe.
 *
 * <p>There are two modes; use one per scope:
 *
 * <ul>
 *   <li>By lease, for effects anywhere: the claim commits first and expires by itself if its holder
 *       dies.
 *   <li>In a transaction, for effects in the store's own database: claim, effects and result commit
 *       or roll back together, so no request is ever half done.
 * </ul>
 *
 * <p>Every claim compares the fingerprint. Times are those of the store's own clock.
 */
public interface IdempotencyStore {

  /**
   * Claims a request key, in a commit of its own. Of any number of concurrent callers exactly one
   * is granted the claim. After {@code lease} without completion the next caller is granted a
   * take-over with a higher token. Blocks for the store only, never for another caller's work.
   *
   * @param request the request
   * @param lease time after which the claim may be taken over
   * @return the outcome
   * @throws io.commslib.core.StoreException if the store fails; with kind {@code UNKNOWN_RESULT}
   *     the claim may have been granted and then expires by itself
   */
  Claim claim(RequestKey request, Duration lease);

  /**
   * Claims a request key in a transaction whose commit makes effects and result valid together.
   * Call it before the effects, and {@link #complete(TransactionContext, RequestKey, long,
   * StoredResult)} before the commit. Of concurrent callers one is granted the claim; the others
   * get {@code IN_FLIGHT} without waiting for its work. After a rollback the key counts as never
   * seen.
   *
   * @param tx the request's transaction, on this store's database
   * @param request the request
   * @return the outcome; {@code isTakeover} only if a lease of this key expired before
   * @throws IllegalArgumentException if {@code tx} belongs to another database
   * @throws IllegalStateException coded, if {@code tx} is over; nothing was written
   * @throws io.commslib.core.StoreException if the store fails; the transaction must roll back
   */
  Claim claim(TransactionContext tx, RequestKey request);

  /**
   * Stores the result of a granted claim of either mode. It becomes valid when the transaction
   * commits. A result that can't be kept whole is kept in its short form ({@link
   * StoredResult#kept()}), because it is no reason to roll the effects back.
   *
   * @param tx the request's transaction, on this store's database
   * @param request the request
   * @param token token of the grant
   * @param result answer to repetitions
   * @return false if the claim was taken over; the transaction must roll back
   * @throws IllegalArgumentException if {@code tx} belongs to another database
   * @throws IllegalStateException coded, if {@code tx} is over; nothing was written
   * @throws io.commslib.core.StoreException if the store fails; the transaction must roll back
   */
  boolean complete(TransactionContext tx, RequestKey request, long token, StoredResult result);

  /**
   * Remembers, in a commit of its own, that a named step of a claim by lease is done. The next
   * holder of the key, after a release or a take-over, finds the step in {@link Claim#steps()} and
   * skips it. Remembering a name again replaces its value.
   *
   * @param request the request
   * @param token token of the grant
   * @param step name of the step, 1 to 64 characters
   * @param value what the next holder requires to continue, up to 2,048 characters
   * @return false if the claim was taken over; nothing was remembered, and the caller must stop
   * @throws IllegalArgumentException if name or value break their rule, or contain an unpaired
   *     surrogate
   * @throws io.commslib.core.StoreException {@code COMMS-IDEMPOTENCY-005} if the key's steps exceed
   *     32,768 characters; or if the store fails
   */
  boolean remember(RequestKey request, long token, String step, String value);

  /**
   * Stores the result of a granted claim. From then on claims of this key return {@code COMPLETED}
   * until the result's retention ends. Repeating it with the same token and result has no effect. A
   * result that can't be kept whole, or that the store refuses permanently, is kept in its short
   * form ({@link StoredResult#kept()}), because it is no reason to do the work again.
   *
   * @param request the request
   * @param token token of the grant
   * @param result answer to repetitions
   * @return false if the claim was taken over; nothing was stored, and the caller's effects may be
   *     done twice
   * @throws io.commslib.core.StoreException if the store fails
   */
  boolean complete(RequestKey request, long token, StoredResult result);

  /**
   * Releases a granted claim without result, so that the next caller is granted it immediately.
   *
   * @param request the request
   * @param token token of the grant
   * @return false if the claim was taken over; nothing was changed
   * @throws io.commslib.core.StoreException if the store fails; the lease then expires by itself
   */
  boolean release(RequestKey request, long token);

  /**
   * Removes keys whose retention has ended, in batches. Call it from a scheduled job, never while
   * handling a request.
   *
   * @return the number of removed keys
   * @throws io.commslib.core.StoreException if the store fails; removed batches stay removed
   */
  long purge();
}
