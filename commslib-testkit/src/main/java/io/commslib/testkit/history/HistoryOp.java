package io.commslib.testkit.history;

/** What a process records in its history. */
public enum HistoryOp {
  /** A producer is about to publish or commit a message. */
  ATTEMPT,
  /** The broker confirmed the publish. */
  ACK,
  /** The producer's database transaction with the message committed. */
  COMMIT,
  /** The publish surely did not happen ({@code NOT_SENT}), or its transaction rolled back. */
  FAIL,
  /** Nobody knows whether the publish or commit happened. */
  UNKNOWN,
  /** A handler was given the message. */
  DELIVER,
  /** What the handler did has committed. */
  EFFECT,
  /** The message stands in the dead letters. */
  PARK,
  /** The message was sent back from the dead letters. */
  REDRIVE
}
