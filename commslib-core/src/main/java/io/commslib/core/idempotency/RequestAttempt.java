package io.commslib.core.idempotency;

import java.util.Map;

/**
 * One attempt of a request by lease: its key, its fencing token and the steps of earlier attempts.
 * Confined to the thread that runs the work, until the work returns.
 */
public final class RequestAttempt {

  private final IdempotencyStore store;
  private final RequestKey key;
  private final Claim claim;
  private boolean hasUnrecordedStep;
  private boolean isKeptLeased;

  RequestAttempt(IdempotencyStore store, RequestKey key, Claim claim) {
    this.store = store;
    this.key = key;
    this.claim = claim;
  }

  /**
   * Returns the request's key. Pass {@link RequestKey#key()} on to the systems that the work calls,
   * so that they recognise a second attempt too.
   *
   * @return the key
   */
  public RequestKey key() {
    return key;
  }

  /**
   * Returns the fencing token, which is higher for each later attempt of the key. Send it with
   * effects to systems that can refuse a lower token.
   *
   * @return the token
   */
  public long token() {
    return claim.token();
  }

  /**
   * Returns whether this attempt took the key over because the lease of an earlier attempt expired.
   * Some or all effects of the earlier attempt may have been made, and it may still run. Check the
   * called system before repeating them.
   *
   * @return whether this attempt took the key over
   */
  public boolean isTakeover() {
    return claim.isTakeover();
  }

  /**
   * Returns the recovery points that earlier attempts have remembered.
   *
   * @return completed steps by name, with their values
   */
  public Map<String, String> steps() {
    return claim.steps();
  }

  /**
   * Remembers, in a commit of its own, that a step is done; later attempts find it in {@link
   * #steps()}. If it can't be remembered and the work throws, the key is not released: the step may
   * be done, so the next attempt is granted after the lease has expired, as a takeover.
   *
   * @param step name, 1 to 64 characters
   * @param value data that a later attempt needs to continue, up to 2,048 characters
   * @return false if the key was taken over; stop, because another attempt runs
   * @throws IllegalArgumentException if name or value break their rule, or contain half a surrogate
   *     pair
   * @throws io.commslib.core.StoreException {@code COMMS-IDEMPOTENCY-005} if the key's steps take
   *     more than 32,768 characters; or if the store fails
   */
  public boolean remember(String step, String value) {
    boolean known = false;
    try {
      boolean remembered = ResultRecorder.remember(store, key, claim.token(), step, value);
      known = true;
      return remembered;
    } finally {
      hasUnrecordedStep |= !known;
    }
  }

  /**
   * Keeps the key leased if the work throws from now on, for work that may continue elsewhere, such
   * as on another thread. The next attempt is granted after the lease has expired, as a takeover.
   */
  public void keepLeased() {
    isKeptLeased = true;
  }

  /** Returns whether something may be done, or still be running, that is not known. */
  boolean mayHaveEffects() {
    return hasUnrecordedStep || isKeptLeased;
  }
}
