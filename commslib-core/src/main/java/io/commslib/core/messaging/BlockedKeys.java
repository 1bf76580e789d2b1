package io.commslib.core.messaging;

import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Lets parked keys flow again once their dead letters have been redriven or discarded. Operators
 * and scheduled jobs call it. Thread-safe.
 */
public final class BlockedKeys {

  private static final int LIMIT = 100_000;
  private static final int PAGE = 500;

  private final BlockedKeyStore store;
  private final DeadLetters deadLetters;

  /**
   * Creates it for one transport.
   *
   * @param blockedKeys as given to the subscriptions
   * @param deadLetters of the transport
   */
  public BlockedKeys(BlockedKeyStore blockedKeys, DeadLetters deadLetters) {
    this.store = Objects.requireNonNull(blockedKeys, "blockedKeys");
    this.deadLetters = Objects.requireNonNull(deadLetters, "deadLetters");
  }

  /**
   * Releases every held key of a group that has no dead letter left. Call it after a redrive or a
   * discard; until then new messages of the key go on following it to the dead letters. Idempotent.
   * Does nothing while there are 100,000 dead letters or more, since it could not tell then. A
   * message that is on its way to the dead letters while this runs arrives there safely, but does
   * not keep its key held.
   *
   * @param source what the group consumes
   * @param group the group
   * @return how many keys were released
   * @throws io.commslib.core.CommsException if the dead letters or the store can't be reached
   */
  public int release(Destination source, String group) {
    String consumer = source + "/" + group;
    Set<String> held = new HashSet<>(store.list(consumer, LIMIT));
    if (held.isEmpty()) {
      return 0;
    }
    int seen = 0;
    try (DeadLetterListing listing = deadLetters.open(source, group)) {
      List<DeadLetter> page;
      do {
        page = listing.next(PAGE);
        for (DeadLetter letter : page) {
          letter.key().ifPresent(held::remove);
          letter.message().flatMap(Message::key).ifPresent(held::remove);
        }
        seen += page.size();
      } while (!page.isEmpty() && seen < LIMIT);
    }
    if (seen >= LIMIT) {
      return 0;
    }
    int released = 0;
    for (String key : held) {
      released += store.release(consumer, key) ? 1 : 0;
    }
    return released;
  }
}
