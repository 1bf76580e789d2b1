package io.commslib.core.engine;

import io.commslib.core.wire.OrderingKeys;
import io.commslib.core.wire.WireMessage;
import java.util.Optional;

/**
 * A record an adapter has taken from its broker and hands to {@link DeliveryEngine#accept}.
 * Adapters implement it. Immutable; read by one thread at a time.
 */
public interface RawDelivery {

  /**
   * Returns what the delivery can be lost with: the assignment of a partition, the epoch of a
   * channel. Compared by reference in {@link DeliveryEngine#revoke}.
   *
   * @return the scope
   */
  Object scope();

  /**
   * The ordering key, taken from the record without decoding it, as {@link OrderingKeys} writes it.
   *
   * @return the key, or empty for no order
   */
  Optional<String> laneKey();

  /**
   * Returns the size that counts toward the in-flight bound.
   *
   * @return bytes
   */
  int sizeBytes();

  /**
   * Returns how many deliveries of this record before this one the broker knows of.
   *
   * @return 0 or more; 0 if the broker does not count
   */
  int priorDeliveries();

  /**
   * Returns how many attempts on this record are known to have begun and not to have ended, since
   * their process or their connection ended first. With too many of them it goes to the dead
   * letters as one that kills its process.
   *
   * @return {@link #priorDeliveries()} by default: where that is all the broker knows
   */
  default int unfinishedAttempts() {
    return priorDeliveries();
  }

  /**
   * Returns whether nothing else of the subscription may run beside this record, since one of
   * several may be the one that kills its process. Never changes.
   *
   * @return false by default
   */
  default boolean runsAlone() {
    return false;
  }

  /**
   * Notes that an attempt begins, durably. Called on the worker for a record that runs alone,
   * before anything of it is decoded; may block.
   *
   * @throws io.commslib.core.CommsException if it could not be noted: the route pauses as in an
   *     outage, and the attempt is not made
   */
  default void beginAttempt() {}

  /**
   * Removes the note of {@link #beginAttempt()}: the attempt has ended, whatever it came to. Not
   * called if an error of the JVM has ended it, nor if the record goes to the dead letters for its
   * unfinished attempts: then the note goes with the record. Must not block for long and must not
   * throw.
   */
  default void endAttempt() {}

  /**
   * Returns the record in wire form. Must not throw; called at most a few times.
   *
   * @return key, headers and body
   */
  WireMessage wire();

  /**
   * Returns where the record lies, for logs and dead letters.
   *
   * @return for example {@code orders-3@1742}
   */
  String positionText();

  /**
   * Returns which part of the source it came from, for dead letters.
   *
   * @return for example {@code 3} of a partitioned topic; empty by default
   */
  default Optional<String> partition() {
    return Optional.empty();
  }

  /**
   * Returns whether the record comes from where {@link DelayStore} has kept it.
   *
   * @return false by default
   */
  default boolean isDeferredRetry() {
    return false;
  }
}
