package io.commslib.core.messaging;

import java.util.List;
import java.util.OptionalInt;

/**
 * Stores the blocked keys of each consumer. A key is blocked when one of its messages goes to the
 * dead letters and the later messages of the key must follow it there. Blocks survive the process,
 * so that a restart does not unblock keys. Only the delivery engine and operators' tools call the
 * store; store modules implement it. Thread-safe.
 *
 * <p>Each block has a level: the redrive count of the message that caused it. A message that was
 * redriven more often than the level passes the block and is handled. So the dead letters of a key
 * can be redriven while new messages of the key are still blocked.
 */
public interface BlockedKeyStore {

  /**
   * Blocks a key, or raises the level of an existing block. Idempotent. Durable when it returns.
   *
   * @param consumer destination and group
   * @param key the ordering key in the form of {@link DeadLetter#key()}: at most 256 characters,
   *     without control characters
   * @param level 0 or more; a level below that of an existing block changes nothing
   * @throws io.commslib.core.StoreException if the store fails; it is then unknown whether the key
   *     is blocked
   */
  void block(String consumer, String key, int level);

  /**
   * Returns the level of a block. The engine calls it before it handles a keyed message.
   *
   * @param consumer destination and group
   * @param key the ordering key
   * @return the level, or empty if the key is not blocked
   * @throws io.commslib.core.StoreException if the store fails
   */
  OptionalInt level(String consumer, String key);

  /**
   * Releases a key: later messages of the key are handled again. Call it when the key has no dead
   * letter left, as {@link BlockedKeys} does.
   *
   * @param consumer destination and group
   * @param key the ordering key
   * @return whether the key was blocked
   * @throws io.commslib.core.StoreException if the store fails; it is then unknown whether the key
   *     is blocked
   */
  boolean release(String consumer, String key);

  /**
   * Returns blocked keys.
   *
   * @param consumer destination and group
   * @param limit maximum number of keys, 1 to 100,000
   * @return the keys, in no particular order
   * @throws io.commslib.core.StoreException if the store fails
   */
  List<String> list(String consumer, int limit);

  /**
   * {@return whether calls must not run on virtual threads, as in {@link
   * io.commslib.core.tx.TransactionRunner#needsPlatformThreads()}; true for stores on H2, false by
   * default}
   */
  default boolean needsPlatformThreads() {
    return false;
  }
}
