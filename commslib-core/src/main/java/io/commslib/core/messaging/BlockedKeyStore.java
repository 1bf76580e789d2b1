package io.commslib.core.messaging;

import java.util.List;
import java.util.OptionalInt;

/**
 * Remembers which keys of a consumer are parked: a message of theirs went to the dead letters, and
 * the later ones have to follow it there. Survives the process, else keys would flow again after a
 * restart. Only the delivery engine and operators' tools call it; stores implement it. Thread-safe.
 *
 * <p>A hold has a level: the redrive count of the message that caused it. Messages that were
 * redriven more often than that pass, so a parked sequence can be redriven while new messages of
 * its key still wait behind it.
 */
public interface BlockedKeyStore {

  /**
   * Holds a key, or raises the level of its hold. Idempotent. Durable when it returns.
   *
   * @param consumer destination and group
   * @param key the ordering key in the form of {@link DeadLetter#key()}: at most 256 characters,
   *     without control characters
   * @param level 0 or more; a lower one than that of an existing hold changes nothing
   * @throws io.commslib.core.StoreException if the store fails; unknown whether the key is held
   */
  void block(String consumer, String key, int level);

  /**
   * Returns the level of a hold. Asked before each handling of a keyed message.
   *
   * @param consumer destination and group
   * @param key the ordering key
   * @return the level, or empty when the key is not held
   * @throws io.commslib.core.StoreException if the store fails
   */
  OptionalInt level(String consumer, String key);

  /**
   * Ends a hold: later messages of the key are handled again. Call it when none of its dead letters
   * is left; {@link BlockedKeys} does.
   *
   * @param consumer destination and group
   * @param key the ordering key
   * @return whether it was held
   * @throws io.commslib.core.StoreException if the store fails; unknown whether the key is held
   */
  boolean release(String consumer, String key);

  /**
   * Returns keys that are held.
   *
   * @param consumer destination and group
   * @param limit how many at most, 1 to 100,000
   * @return the keys, in no order
   * @throws io.commslib.core.StoreException if the store fails
   */
  List<String> list(String consumer, int limit);

  /**
   * Returns whether calls must not come from virtual threads, as {@link
   * io.commslib.core.tx.TransactionRunner#needsPlatformThreads()} says.
   *
   * @return true for stores on H2; false by default
   */
  default boolean needsPlatformThreads() {
    return false;
  }
}
