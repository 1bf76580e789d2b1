package io.commslib.outbox;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.checks.Checks;
import io.commslib.core.inmemory.InMemoryTransaction;
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
 * An outbox without a database, for users' tests: what was published in a transaction appears when
 * it commits and never if it rolls back. Keeps what was committed for assertions and, if made with
 * a publisher, publishes it then, in order. Thread-safe. Holds at most 1,000,000 messages.
 */
public final class InMemoryOutbox implements Outbox {

  private static final int MAX_MESSAGES = 1_000_000;

  /**
   * A message and where it goes. Immutable value.
   *
   * @param to where it goes
   * @param message what was published
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
   * Creates an outbox that keeps what was committed.
   *
   * @param transactions an {@link io.commslib.core.inmemory.InMemoryTransactionRunner}
   * @return new outbox
   */
  public static InMemoryOutbox create(TransactionRunner transactions) {
    return new InMemoryOutbox(transactions, null);
  }

  /**
   * Creates an outbox that also publishes what was committed, on the committing thread, which waits
   * for the confirmation. A publish that fails is thrown at whoever commits: the work is done and
   * the message kept among the committed ones, but it has not gone out.
   *
   * @param transactions an {@link io.commslib.core.inmemory.InMemoryTransactionRunner}
   * @param publisher where it goes
   * @return new outbox
   */
  public static InMemoryOutbox create(TransactionRunner transactions, Publisher publisher) {
    return new InMemoryOutbox(transactions, Objects.requireNonNull(publisher, "publisher"));
  }

  @Override
  public void publish(TransactionContext tx, Destination to, Message message) {
    Checks.check(
        tx.database().equals(database()), "transaction", tx.database(), "one on " + database());
    tx.unwrap(InMemoryTransaction.class).onCommit(() -> commit(new Committed(to, message)));
  }

  private void commit(Committed entry) {
    lock.lock();
    try {
      Checks.inRange("messages", committed.size() + 1, 1, MAX_MESSAGES);
      committed.add(entry);
      if (publisher != null) {
        // Waits, so that a test that looks after the commit sees the message published or the
        // failure.
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

  /**
   * Returns what was committed so far.
   *
   * @return copy, in commit order
   */
  public List<Committed> committed() {
    lock.lock();
    try {
      return List.copyOf(committed);
    } finally {
      lock.unlock();
    }
  }
}
