package io.commslib.saga;

/** What may happen to a step once it has been sent. */
enum StepKind {
  /** Has a compensation. */
  COMPENSATABLE,
  /** Has no effect, so nothing is to be undone. */
  READ_ONLY,
  /** Point of no return: may be refused, but its success can't be undone. */
  PIVOT,
  /** After the pivot: must succeed in the end. */
  RETRIABLE
}
