package io.commslib.core;

/** The certainty of a failed send. It decides whether a repetition may duplicate the message. */
public enum SendCertainty {
  /** The other side has not accepted the message and never will: a repetition can't duplicate. */
  NOT_SENT,
  /**
   * The other side may have accepted the message. A repetition can duplicate it; with the same
   * message id the inbox removes the duplicate.
   */
  MAYBE_SENT,
  /** The other side accepted it and answered with a failure (calls only). */
  ANSWERED
}
