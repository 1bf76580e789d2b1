package io.commslib.core.engine;

import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.OrderingKeys;
import java.util.Optional;

/**
 * A record that an adapter has taken from its broker, for {@link DeliveryEngine#accept}. Adapters
 * implement it. Immutable; read by one thread at a time.
 */
public interface RawDelivery {

  /**
   * Returns the scope whose loss ends the delivery, for example the assignment of a partition or
   * the epoch of a channel.
   *
   * @return the scope, compared by reference in {@link DeliveryEngine#revoke}
   */
  Object scope();

  /**
   * Returns the ordering key, taken from the record without decoding it, as {@link OrderingKeys}
   * writes it.
   *
   * @return the key, or empty for no order
   */
  Optional<String> laneKey();

  /** {@return the size in bytes that counts towards the in-flight bound} Never changes. */
  int sizeBytes();

  /** {@return the number of earlier deliveries of this record; 0 if the broker does not count} */
  int priorDeliveries();

  /**
   * Returns the number of attempts on this record that are known to have begun and not to have
   * ended, because their process or their connection ended first. Too many of them dead-letter the
   * record as one that crashes its process.
   *
   * @return {@link #priorDeliveries()} by default, for a broker that knows no more
   */
  default int unfinishedAttempts() {
    return priorDeliveries();
  }

  /**
   * Returns whether no other record of the subscription may run at the same time, because one of
   * several records is suspected of crashing its process. Never changes.
   *
   * @return false by default
   */
  default boolean runsAlone() {
    return false;
  }

  /**
   * Notes durably that an attempt begins. Called on the worker for a record that runs alone, before
   * anything of it is decoded; may block.
   *
   * @throws io.commslib.core.CommsException if it could not be noted: the route pauses as in an
   *     outage, and the attempt is not made
   */
  default void beginAttempt() {}

  /**
   * Removes the note of {@link #beginAttempt()} after the attempt has ended, with any outcome. Not
   * called if an error of the JVM has ended it, nor if the record is dead-lettered for its
   * unfinished attempts: then the note goes with the record. Must not block for long and must not
   * throw.
   */
  default void endAttempt() {}

  /**
   * Returns the record. Must not throw; called a few times at most.
   *
   * @return key, headers and body
   */
  ForeignRecord wire();

  /**
   * {@return the position of the record for logs and dead letters, such as {@code orders-3@1742}}
   */
  String positionText();

  /**
   * Returns the partition of the source, for dead letters.
   *
   * @return for example {@code 3} of a partitioned topic; empty by default
   */
  default Optional<String> partition() {
    return Optional.empty();
  }

  /** {@return whether the record was kept by the {@link DelayStore}; false by default} */
  default boolean isDeferredRetry() {
    return false;
  }
}
