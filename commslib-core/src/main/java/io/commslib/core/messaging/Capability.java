package io.commslib.core.messaging;

/**
 * What transports may or may not be able to do. Everything that is not listed here every transport
 * does.
 */
public enum Capability {
  /** A new group of a topic can start with messages published before the group existed. */
  START_EARLIEST,
  /** Several members of one group work at once and per-key order still holds over all of them. */
  PARALLEL_MEMBERS,
  /**
   * After a keyed publish fails, later publishes of that key that were handed over before the
   * dependents of its stage have returned were confirmed before it or fail {@code NOT_SENT}; what
   * is handed over after that is taken again. Room in the window of unconfirmed messages is made
   * before a stage completes. Without it a caller that needs order keeps one unconfirmed message
   * per key.
   */
  KEYED_PUBLISH_FENCE,
  /** A redelivery after a crash is seen in {@link Delivery#attempt()}, also by another process. */
  REDELIVERY_COUNT,
  /** A message given back is delivered again without counting as an attempt. */
  UNCOUNTED_GIVE_BACK,
  /** A topic keeps messages that no group exists for yet. */
  RETENTION_WITHOUT_GROUP,
  /** Messages survive a crash of the broker. */
  DURABLE,
  /** Delivers a message not before {@link Message#deliverAt()}. */
  DELAYED_DELIVERY
}
