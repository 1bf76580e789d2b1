package io.commslib.core.messaging;

import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Releases blocked keys after their dead letters have been redriven or discarded. Operators and
 * scheduled jobs call it. Thread-safe.
 */
public final class BlockedKeys {

  private static final int MAX_READ = 100_000;
  private static final int PAGE = 500;

  private final BlockedKeyStore store;
  private final DeadLetters deadLetters;

  /**
   * Creates an instance for one transport.
   *
   * @param blockedKeys the store that the subscriptions use
   * @param deadLetters the dead letters of the transport
   */
  public BlockedKeys(BlockedKeyStore blockedKeys, DeadLetters deadLetters) {
    this.store = Objects.requireNonNull(blockedKeys, "blockedKeys");
    this.deadLetters = Objects.requireNonNull(deadLetters, "deadLetters");
  }

  /**
   * Releases every blocked key of a group that has no dead letter left. Call it after a redrive or
   * a discard; until then new messages of the key still follow it to the dead letters. Idempotent.
   *
   * <p>Releases nothing while there are 100,000 dead letters or more, because it reads no more of
   * them. A message that is being dead-lettered during the call arrives in the dead letters safely,
   * but does not keep its key blocked.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @return the number of released keys
   * @throws io.commslib.core.CommsException if the dead letters or the store can't be reached
   */
  public int release(Destination source, String group) {
    String consumer = source + "/" + group;
    Set<String> blocked = new HashSet<>(store.list(consumer, MAX_READ));
    if (blocked.isEmpty()) {
      return 0;
    }
    int seen = 0;
    try (DeadLetterListing listing = deadLetters.open(source, group)) {
      List<DeadLetter> page;
      do {
        page = listing.next(PAGE);
        for (DeadLetter letter : page) {
          letter.key().ifPresent(blocked::remove);
          letter.message().flatMap(Message::key).ifPresent(blocked::remove);
        }
        seen += page.size();
      } while (!page.isEmpty() && seen < MAX_READ);
    }
    if (seen >= MAX_READ) {
      return 0;
    }
    int released = 0;
    for (String key : blocked) {
      released += store.release(consumer, key) ? 1 : 0;
    }
    return released;
  }
}
