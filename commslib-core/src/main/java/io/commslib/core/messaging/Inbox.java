package io.commslib.core.messaging;

import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Stores which messages a consumer has handled, so that duplicates are recognised. Only the
 * delivery engine calls it; stores implement it and pass {@code InboxContract}. Thread-safe.
 */
public interface Inbox {

  /**
   * Enters a message for a consumer as the first operation in the handler's transaction. The entry
   * commits or rolls back with the transaction: after a rollback the message counts as never seen.
   * While another transaction has an uncommitted entry of the same message, this call waits for its
   * outcome, at most for the store's lock timeout.
   *
   * @param tx the handler's transaction, on this inbox's database
   * @param consumer destination and group that handle the message
   * @param message identified by {@link Message#inboxKey()}
   * @return true if it is new; false if a committed transaction has entered it before
   * @throws IllegalArgumentException if {@code tx} belongs to another database
   * @throws IllegalStateException coded, if {@code tx} is over; nothing was written
   * @throws io.commslib.core.StoreException if the store fails; the transaction must roll back
   */
  boolean enter(TransactionContext tx, String consumer, Message message);

  /**
   * Enters the messages of a batch, each with the effect of {@link #enter}; stores do it in one
   * round trip where possible. Of messages with the same key in one batch only the first is new.
   * Entries are made in the order of their keys, so that two batches with the same messages wait
   * for each other and do not deadlock.
   *
   * @param tx the handler's transaction, on this inbox's database
   * @param consumer destination and group that handle the messages
   * @param messages identified by {@link Message#inboxKey()}
   * @return at the index of each message, whether it is new
   * @throws IllegalArgumentException if {@code tx} belongs to another database
   * @throws IllegalStateException coded, if {@code tx} is over; nothing was written
   * @throws io.commslib.core.StoreException if the store fails; the transaction must roll back
   */
  default boolean[] enterAll(TransactionContext tx, String consumer, List<Message> messages) {
    boolean[] fresh = new boolean[messages.size()];
    IntStream.range(0, fresh.length)
        .boxed()
        .sorted(Comparator.comparing(index -> messages.get(index).inboxKey()))
        .forEach(index -> fresh[index] = enter(tx, consumer, messages.get(index)));
    return fresh;
  }

  /**
   * Returns the minimum time for which an entry is kept. It must exceed the longest time after
   * which a message can be redelivered: broker retention, all retry delays, and the age at which
   * dead letters are redriven.
   *
   * @return the retention
   */
  Duration retention();

  /**
   * Removes entries older than the retention, in batches. The engine does not call it; call it from
   * a scheduled job.
   *
   * @return the number of removed entries
   * @throws io.commslib.core.StoreException if the store fails; removed batches stay removed
   */
  long purge();

  /** {@return the identity of the database that contains this inbox} */
  DatabaseId database();
}
