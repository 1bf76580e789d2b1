package io.commslib.testkit.simulation;

/** A fault of the implementation, which proves that the simulator can fail. */
public enum SimulationFault {
  /** No fault. */
  NONE,
  /** Records are settled when they arrive. */
  ACKNOWLEDGES_EARLY,
  /** Commits go past unfinished records. */
  COMMITS_PAST_A_GAP,
  /** Two records of one key are swapped. */
  REORDERS,
  /** Unfinished records are committed when a partition is revoked. */
  LOSES_ON_REVOKE,
  /** Commits of former owners are accepted. */
  SKIPS_THE_FENCE,
  /** A new owner starts at the end of the log. */
  STARTS_AT_THE_END,
  /** The commit metadata marks one record too many as finished. */
  NOTES_TOO_MUCH,
  /** A failed dead letter is reported as safe. */
  DROPS_DEAD_LETTERS,
  /** Retries run in half their time. */
  RETRIES_EARLY,
  /** Unacknowledged records are lost when a connection drops. */
  FORGETS_UNACKNOWLEDGED,
  /** Unacknowledged records return to the end of the queue. */
  REQUEUES_AT_THE_END,
  /** An acknowledgement covers all deliveries before it. */
  ACKNOWLEDGES_CUMULATIVELY,
  /** Acknowledgements of a former connection count for the new one. */
  MIXES_UP_CHANNELS
}
