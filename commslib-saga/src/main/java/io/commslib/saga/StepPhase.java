package io.commslib.saga;

/** Where one step of a saga stands. */
public enum StepPhase {
  /** Not begun. */
  PENDING,
  /** The command is out; whether it had effect is unknown. */
  SENT,
  /** Succeeded. */
  DONE,
  /** The participant refused: no effect. */
  REFUSED,
  /** The compensation is out. */
  UNDOING,
  /** Compensated, or given up without anything to undo. */
  UNDONE
}
