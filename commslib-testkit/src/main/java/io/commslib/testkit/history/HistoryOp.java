package io.commslib.testkit.history;

/** The operations that a process records in its history. */
public enum HistoryOp {
  /** A producer is about to publish or commit a message. */
  ATTEMPT,
  /** The broker confirmed the publish. */
  ACK,
  /** The producer's database transaction with the message committed. */
  COMMIT,
  /** The publish did not happen ({@code NOT_SENT}), or its transaction rolled back. */
  FAIL,
  /** The result of the publish or commit is unknown. */
  UNKNOWN,
  /** A handler was called with the message. */
  DELIVER,
  /** The effect of the handler has committed. */
  EFFECT,
  /** The message is in the dead letters. */
  PARK,
  /** The message was redriven from the dead letters. */
  REDRIVE
}
