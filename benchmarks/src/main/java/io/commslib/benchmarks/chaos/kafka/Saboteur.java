package io.commslib.benchmarks.chaos.kafka;

/** One thing done wrong in members, so that a row can be seen to notice. */
enum Saboteur {
  /** Nothing is wrong. */
  NONE,
  /** Members have no inbox: what comes twice is done twice. */
  WITHOUT_INBOX,
  /** Members keep no order of a key. */
  UNORDERED,
  /** One message in a hundred is settled without its effect. */
  FORGETS_EFFECTS
}
