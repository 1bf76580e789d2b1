package io.commslib.core;

/**
 * States of a long-lived object, in the order in which it passes them. {@link #STARTING} may be
 * followed by {@link #CLOSED} directly.
 */
public enum LifecycleState {
  /** Built; nothing runs yet. */
  NEW,
  /** Start was called and has not finished. */
  STARTING,
  /** Accepts work. */
  RUNNING,
  /** Accepts no new work and finishes running work. */
  DRAINING,
  /** Ended; this state is final. */
  CLOSED
}
