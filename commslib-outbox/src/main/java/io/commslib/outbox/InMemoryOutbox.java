package io.commslib.outbox;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.checks.Checks;
import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.messaging.CallTrail;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An outbox without a database, for users' tests. The messages of a transaction appear when it
 * commits, and never if it rolls back. The outbox keeps committed messages for assertions. With a
 * publisher, it also publishes them at the commit, in order. Thread-safe. Keeps at most 1,000,000
 * messages.
 */
public final class InMemoryOutbox implements Outbox {

  private static final int MAX_MESSAGES = 1_000_000;

  /**
   * A message and its destination. Immutable value.
   *
   * @param to the destination
   * @param message the message
   */
  public record Committed(Destination to, Message message) {}

  private final TransactionRunner transactions;
  private final @Nullable Publisher publisher;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Committed> committed = new ArrayList<>();

  private InMemoryOutbox(TransactionRunner transactions, @Nullable Publisher publisher) {
    this.transactions = Objects.requireNonNull(transactions, "transactions");
    this.publisher = publisher;
  }

  /**
   * Creates an outbox that keeps committed messages.
   *
   * @param transactions an {@link io.commslib.core.inmemory.InMemoryTransactionRunner}
   * @return new outbox
   */
  public static InMemoryOutbox create(TransactionRunner transactions) {
    return new InMemoryOutbox(transactions, null);
  }

  /**
   * Creates an outbox that also publishes committed messages, on the committing thread, which waits
   * for the confirmation. The failure of a publish is thrown to the committing caller. Then the
   * transaction is committed and the message is among the committed ones, but it is not published.
   *
   * @param transactions an {@link io.commslib.core.inmemory.InMemoryTransactionRunner}
   * @param publisher publishes the committed messages
   * @return new outbox
   */
  public static InMemoryOutbox create(TransactionRunner transactions, Publisher publisher) {
    return new InMemoryOutbox(transactions, Objects.requireNonNull(publisher, "publisher"));
  }

  @Override
  public void publish(TransactionContext tx, Destination to, Message message) {
    Checks.check(
        tx.database().equals(database()), "transaction", tx.database(), "one on " + database());
    JdbcOutbox.checkRules(message);
    // Here, since the commit may run outside of the caller's context.
    Committed entry = new Committed(to, CallTrail.carriedOn(message));
    tx.unwrap(InMemoryTransaction.class).onCommit(() -> commit(entry));
  }

  private void commit(Committed entry) {
    lock.lock();
    try {
      Checks.inRange("messages", committed.size() + 1, 1, MAX_MESSAGES);
      committed.add(entry);
      if (publisher != null) {
        // Waits, so that after the commit a test finds either the published message or the failure.
        publisher.publish(entry.to(), entry.message()).toCompletableFuture().join();
      }
    } catch (CompletionException e) {
      throw Failures.unwrapped(e) instanceof CommsException known ? known : e;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void publishAll(TransactionContext tx, Destination to, List<Message> messages) {
    messages.forEach(message -> publish(tx, to, message));
  }

  /** Does nothing: there is no relay to wake. */
  @Override
  public void wake() {}

  @Override
  public DatabaseId database() {
    return transactions.database();
  }

  /** {@return a copy of the committed messages, in commit order} */
  public List<Committed> committed() {
    lock.lock();
    try {
      return List.copyOf(committed);
    } finally {
      lock.unlock();
    }
  }
}
