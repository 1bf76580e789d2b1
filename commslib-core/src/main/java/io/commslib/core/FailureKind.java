package io.commslib.core;

/**
 * The meaning of a failure for the caller's next step.
 *
 * <p>Every library failure has a kind, so that callers decide by {@link CommsException#kind()} and
 * not by exception class or text.
 */
public enum FailureKind {
  /** A dependency outside the caller's control is unavailable; the same call may succeed later. */
  TRANSIENT,
  /** The same call will fail again: input, configuration or schema is wrong. */
  PERMANENT,
  /**
   * A concurrent unit of work won a race (lock, version, serialization); repeat the whole unit of
   * work.
   */
  CONTENTION,
  /** The effect may or may not have happened; only an idempotent repetition is safe. */
  UNKNOWN_RESULT,
  /** The work was stopped on purpose: closing, interruption or a passed deadline. */
  CANCELLED
}
