package io.commslib.idempotency;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An inbox without a database, for users' tests. It honours rollback like {@link JdbcInbox}; a
 * duplicate of a message whose first transaction is open waits for its outcome, at most 10 s.
 * Thread-safe. It stores at most 1,000,000 entries and removes the oldest beyond that.
 */
public final class InMemoryInbox implements Inbox {

  private static final int MAX_ENTRIES = 1_000_000;
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(10);

  private static final class Entry {
    final Instant receivedAt;
    final InMemoryTransaction by;
    boolean committed;

    Entry(Instant receivedAt, InMemoryTransaction by) {
      this.receivedAt = receivedAt;
      this.by = by;
    }
  }

  private final TransactionRunner transactions;
  private final TimeSource time;
  private final Duration retention;
  private final Duration lockTimeout;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private final Map<String, Entry> entries =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Entry> eldest) {
          return size() > MAX_ENTRIES;
        }
      };

  InMemoryInbox(
      TransactionRunner transactions, TimeSource time, Duration retention, Duration lockTimeout) {
    this.transactions = Objects.requireNonNull(transactions, "transactions");
    this.time = Objects.requireNonNull(time, "time");
    this.retention =
        Checks.inRange("retention", retention, Duration.ofHours(1), Duration.ofDays(3_650));
    this.lockTimeout = lockTimeout;
  }

  /**
   * Creates an inbox.
   *
   * @param transactions an {@link io.commslib.core.inmemory.InMemoryTransactionRunner}
   * @param time clock of the retention
   * @param retention retention of entries, 1 h to 3,650 days
   * @return new inbox
   */
  public static InMemoryInbox create(
      TransactionRunner transactions, TimeSource time, Duration retention) {
    return new InMemoryInbox(transactions, time, retention, LOCK_TIMEOUT);
  }

  @Override
  public boolean enter(TransactionContext tx, String consumer, Message message) {
    Checks.check(
        tx.database().equals(database()), "transaction", tx.database(), "one on " + database());
    InMemoryTransaction transaction = tx.unwrap(InMemoryTransaction.class);
    String name = consumer + '\n' + message.inboxKey();
    lock.lock();
    try {
      Entry before = awaitOutcome(name, transaction);
      if (before != null) {
        return false;
      }
      Entry entry = new Entry(time.now(), transaction);
      entries.put(name, entry);
      transaction.onCommit(() -> end(() -> entry.committed = true));
      transaction.onRollback(() -> end(() -> entries.remove(name, entry)));
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Returns the committed entry, or this transaction's own; null if there is none. */
  private @Nullable Entry awaitOutcome(String name, InMemoryTransaction transaction) {
    long left = lockTimeout.toNanos();
    Entry entry = entries.get(name);
    while (entry != null && !entry.committed && entry.by != transaction) {
      if (left <= 0) {
        throw new StoreException(
            "COMMS-IDEMPOTENCY-002",
            FailureKind.CONTENTION,
            "inbox: another transaction has been processing the same message for "
                + lockTimeout
                + " (expected: it ends within that time)",
            null);
      }
      try {
        left = ended.awaitNanos(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreException(
            "COMMS-IDEMPOTENCY-003",
            FailureKind.CANCELLED,
            "inbox: interrupted while another transaction was processing the same message",
            e);
      }
      entry = entries.get(name);
    }
    return entry;
  }

  private void end(Runnable change) {
    lock.lock();
    try {
      change.run();
      ended.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Duration retention() {
    return retention;
  }

  @Override
  public long purge() {
    Instant oldest = time.now().minus(retention);
    lock.lock();
    try {
      int before = entries.size();
      entries.values().removeIf(entry -> entry.committed && entry.receivedAt.isBefore(oldest));
      return before - entries.size();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public DatabaseId database() {
    return transactions.database();
  }
}
