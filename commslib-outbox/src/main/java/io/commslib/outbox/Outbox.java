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
   * Writes a message into the caller's transaction. The message is published at least once after
   * the commit, and never if the transaction rolls back. Blocks for one statement. Messages of one
   * key to one destination are published in the order in which they were written, as long as the
   * writing transactions do not overlap. Transactions that write the same key at the same time
   * should be serialised, for example by the lock of a row that all of them change.
   *
   * @param tx the running transaction, on this outbox's database
   * @param to the destination
   * @param message the message
   * @throws IllegalArgumentException if {@code tx} belongs to another database, the message exceeds
   *     the size limit, or it was received from another program and has an attribute that can't be
   *     published ({@link Message#violation()}); nothing was written
   * @throws IllegalStateException with a code, if {@code tx} has ended ({@link
   *     TransactionContext}); {@code COMMS-JDBC-006} if its connection is in auto-commit mode;
   *     nothing was written
   * @throws io.commslib.core.StoreException if the database fails; the transaction must roll back
   */
  void publish(TransactionContext tx, Destination to, Message message);

  /**
   * Writes several messages in their order. Works as {@link #publish} for each, in fewer round
   * trips.
   *
   * @param tx the running transaction, on this outbox's database
   * @param to the destination
   * @param messages the messages
   */
  void publishAll(TransactionContext tx, Destination to, List<Message> messages);

  /**
   * Wakes the relay of this process, so that it reads without waiting for its poll interval. The
   * outbox does that itself after each commit that the transaction reports. Call it after you have
   * committed a connection of your own. Never blocks; calls in quick succession become one.
   */
  void wake();

  /** {@return the identity of the database that this outbox is in} */
  DatabaseId database();
}
