package io.commslib.saga;

/** The way in which a step can end once its command is sent. */
enum StepKind {
  /** Has a compensation. */
  COMPENSATABLE,
  /** Has no effect, so there is nothing to undo. */
  READ_ONLY,
  /** Point of no return: may be refused, but its success can't be undone. */
  PIVOT,
  /** After the pivot: must succeed in the end. */
  RETRIABLE
}
