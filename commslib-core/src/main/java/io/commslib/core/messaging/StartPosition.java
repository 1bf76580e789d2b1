package io.commslib.core.messaging;

/** Position at which a group begins that has never consumed the topic. */
public enum StartPosition {
  /** The oldest message that is still in the topic. */
  EARLIEST,
  /** Messages published after the group was created. */
  LATEST
}
