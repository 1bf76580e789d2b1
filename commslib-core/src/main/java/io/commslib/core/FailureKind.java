package io.commslib.core;

/**
 * What a failure means for the next step of whoever sees it.
 *
 * <p>Part of the type of every library failure, so that callers decide by {@link
 * CommsException#kind()} and not by exception class or text.
 */
public enum FailureKind {
  /** A part outside the caller's control is out of reach now; the same call may succeed later. */
  TRANSIENT,
  /** The same call will fail again: input, configuration or schema is wrong. */
  PERMANENT,
  /**
   * Another party won a race (lock, version, serialization); repeating the whole unit of work is
   * right.
   */
  CONTENTION,
  /** The effect may or may not have happened; only an idempotent repetition is safe. */
  UNKNOWN_RESULT,
  /** The work was given up on purpose: closing, interruption or a passed deadline. */
  CANCELLED
}
