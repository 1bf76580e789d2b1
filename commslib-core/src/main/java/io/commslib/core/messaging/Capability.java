package io.commslib.core.messaging;

/**
 * Capabilities that not every transport has. Every transport provides everything that is not listed
 * here.
 */
public enum Capability {
  /** A new group of a topic can start with messages published before the group existed. */
  START_EARLIEST,
  /** Several members of one group work at the same time, with per-key order over all of them. */
  PARALLEL_MEMBERS,
  /**
   * A failed keyed publish fences its key. Later publishes of the key that were made before the
   * dependents of the failed stage have returned either were confirmed before the failure, or fail
   * {@code NOT_SENT}. Publishes made after that are accepted again. Capacity in the window of
   * unconfirmed messages is released before a stage completes. Without this capability, a caller
   * that needs order must keep at most one unconfirmed message per key.
   */
  KEYED_PUBLISH_FENCE,
  /** {@link Delivery#attempt()} counts redeliveries after a crash, also in another process. */
  REDELIVERY_COUNT,
  /** A message that was given back is redelivered without counting as an attempt. */
  UNCOUNTED_GIVE_BACK,
  /** A topic keeps messages for which no group exists yet. */
  RETENTION_WITHOUT_GROUP,
  /** Messages survive a crash of the broker. */
  DURABLE,
  /** A message is not delivered before {@link Message#deliverAt()}. */
  DELAYED_DELIVERY
}
