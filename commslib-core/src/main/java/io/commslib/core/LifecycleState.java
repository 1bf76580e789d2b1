package io.commslib.core;

/**
 * States of a long-lived object. They are passed in declaration order; {@link #STARTING} may go
 * straight to {@link #CLOSED}.
 */
public enum LifecycleState {
  /** Built, nothing runs yet. */
  NEW,
  /** Start was called and has not finished. */
  STARTING,
  /** Taking work. */
  RUNNING,
  /** Takes no new work, finishes what runs. */
  DRAINING,
  /** Ended; never leaves this state. */
  CLOSED
}
