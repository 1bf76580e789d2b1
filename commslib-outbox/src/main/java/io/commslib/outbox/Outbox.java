package io.commslib.outbox;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.util.List;

/**
 * Publishes messages together with a transaction. Applications call it; stores implement it.
 * Thread-safe.
 */
public interface Outbox {

  /**
   * Writes a message into the caller's transaction. It is published after the commit, at least
   * once, and never if the transaction rolls back. Blocks for one statement. Messages of one key to
   * one destination leave in the order they were written by transactions that do not overlap;
   * transactions that write the same key at once should serialise themselves, for example by the
   * row lock of what they change.
   *
   * @param tx the running transaction, on this outbox's database
   * @param to where it goes
   * @param message what to publish
   * @throws IllegalArgumentException if {@code tx} belongs to another database or the message is
   *     over the size limit; nothing was written
   * @throws IllegalStateException coded, if {@code tx} is over ({@link TransactionContext}); {@code
   *     COMMS-JDBC-006} if its connection is in auto-commit mode; nothing was written
   * @throws io.commslib.core.StoreException if the database fails; the transaction must roll back
   */
  void publish(TransactionContext tx, Destination to, Message message);

  /**
   * Writes several messages in their order; as {@link #publish} for each, in fewer round trips.
   *
   * @param tx the running transaction, on this outbox's database
   * @param to where they go
   * @param messages what to publish
   */
  void publishAll(TransactionContext tx, Destination to, List<Message> messages);

  /**
   * Tells the relay of this process to look now. Called by itself after a commit it can see; call
   * it after you have committed a connection of your own. Never blocks; calls in quick succession
   * become one.
   */
  void wake();

  /**
   * Returns which database this outbox lies on.
   *
   * @return the identity
   */
  DatabaseId database();
}
