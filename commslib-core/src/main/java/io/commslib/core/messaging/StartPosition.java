package io.commslib.core.messaging;

/** Where a group that has never consumed a topic begins. */
public enum StartPosition {
  /** With the oldest message the topic still holds. */
  EARLIEST,
  /** With messages published after the group was made. */
  LATEST
}
