package io.commslib.testkit.simulation;

/** One thing done wrong, so that the simulator can be seen to notice. */
public enum SimulationFault {
  /** Nothing is wrong. */
  NONE,
  /** Records are settled when they arrive. */
  ACKNOWLEDGES_EARLY,
  /** Commits go past unfinished records. */
  COMMITS_PAST_A_GAP,
  /** Two records of one key change places on the way. */
  REORDERS,
  /** What is unfinished when a partition leaves is committed. */
  LOSES_ON_REVOKE,
  /** Commits of former owners are accepted. */
  SKIPS_THE_FENCE,
  /** A new owner starts at the end. */
  STARTS_AT_THE_END,
  /** The note of finished work names one record too many. */
  NOTES_TOO_MUCH,
  /** A failed dead letter is reported as safe. */
  DROPS_DEAD_LETTERS,
  /** Retries run in half their time. */
  RETRIES_EARLY,
  /** What was unacknowledged when a connection dropped is gone. */
  FORGETS_UNACKNOWLEDGED,
  /** What was unacknowledged goes behind all others. */
  REQUEUES_AT_THE_END,
  /** An acknowledgement covers all deliveries before it. */
  ACKNOWLEDGES_CUMULATIVELY,
  /** Acknowledgements of a former connection count for the new one. */
  MIXES_UP_CHANNELS
}
