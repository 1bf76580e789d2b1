package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import java.util.Map;

/**
 * What the work of a request by lease is told and may remember. Used by the thread that works, for
 * as long as it works.
 */
public final class RequestAttempt {

  private final IdempotencyStore store;
  private final RequestKey key;
  private final Claim claim;
  private boolean hasUnrecordedStep;

  RequestAttempt(IdempotencyStore store, RequestKey key, Claim claim) {
    this.store = store;
    this.key = key;
    this.claim = claim;
  }

  /**
   * Returns which request this is. Hand {@link RequestKey#key()} on to what the work calls, so that
   * a second attempt is recognised there too.
   *
   * @return the key
   */
  public RequestKey key() {
    return key;
  }

  /**
   * Returns the fencing token: higher for each later attempt of the key. Send it with effects on
   * what can refuse a lower one.
   *
   * @return the token
   */
  public long token() {
    return claim.token();
  }

  /**
   * Tells whether the holder before this one let its lease run out: its effects may be done, in
   * part, and it may still be at work. Ask the far side before repeating them.
   *
   * @return whether this attempt took the key over
   */
  public boolean isTakeover() {
    return claim.isTakeover();
  }

  /**
   * Returns the recovery points that earlier attempts have remembered, by name.
   *
   * @return steps that are done, with what they left
   */
  public Map<String, String> steps() {
    return claim.steps();
  }

  /**
   * Remembers, in a commit of its own, that a step is done; later attempts find it in {@link
   * #steps()}. If it can't be remembered and the work throws, the key is not given back: the step
   * may be done, so the next attempt comes when the lease has run out and is told that it takes the
   * key over.
   *
   * @param step name, 1 to 64 characters
   * @param value what a later attempt needs to go on, up to 2,048 characters
   * @return false if the key was taken over: stop, another attempt is at work
   * @throws IllegalArgumentException if name or value break their rule, or hold half a surrogate
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

  /** Whether something may be done that is not on record. */
  boolean hasUnrecordedStep() {
    return hasUnrecordedStep;
  }
}
