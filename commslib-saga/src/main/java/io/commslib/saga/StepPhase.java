package io.commslib.saga;

/** State of one step of a saga. */
public enum StepPhase {
  /** Not started. */
  PENDING,
  /** The command is sent; its effect is unknown. */
  SENT,
  /** The step succeeded. */
  DONE,
  /** The participant refused; the command had no effect. */
  REFUSED,
  /** The compensation is sent and not yet answered. */
  UNDOING,
  /** The step is compensated, or was abandoned with nothing to undo. */
  UNDONE
}
