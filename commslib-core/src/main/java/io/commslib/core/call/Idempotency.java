package io.commslib.core.call;

/**
 * The effect of repeating a call, as its callee declares it. It decides, before the first attempt,
 * whether an attempt with an unknown result may be repeated.
 */
public enum Idempotency {
  /** The call reads and changes nothing, such as a GET. */
  SAFE,
  /** Repetitions have the effect of one call, such as a PUT of a whole resource. */
  IDEMPOTENT,
  /**
   * Repetitions with the same idempotency key have the effect of one call. Each call has one key,
   * which all its attempts carry.
   */
  KEYED,
  /** Each repetition may have an effect of its own. */
  NON_IDEMPOTENT;

  /**
   * Returns whether an attempt with an unknown result may be repeated.
   *
   * @return true for all but {@link #NON_IDEMPOTENT}
   */
  public boolean isRepeatable() {
    return this != NON_IDEMPOTENT;
  }
}
