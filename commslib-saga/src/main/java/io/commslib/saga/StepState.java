package io.commslib.saga;

/** What is known of one step. */
enum StepState {
  /** Not begun. */
  PENDING,
  /** The command is on its way or being worked on. */
  SENT,
  /** It took effect. */
  DONE,
  /** It was refused and had no effect. */
  REFUSED,
  /** No answer in time: it may have taken effect, and is undone like one that has. */
  UNKNOWN,
  /** The undo is on its way. */
  UNDOING,
  /** It was undone. */
  UNDONE
}
