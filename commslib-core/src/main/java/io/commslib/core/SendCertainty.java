package io.commslib.core;

/** What is known of a send that failed; decides what a repetition may do. */
public enum SendCertainty {
  /** The other side has not taken it and never will: a repetition cannot duplicate. */
  NOT_SENT,
  /**
   * The other side may have taken it: a repetition can duplicate, with the same message id the
   * inbox removes it.
   */
  MAYBE_SENT,
  /** The other side took it and answered with a failure (calls only). */
  ANSWERED
}
