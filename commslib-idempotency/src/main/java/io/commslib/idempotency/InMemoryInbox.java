package io.commslib.idempotency;

import io.commslib.core.idempotency.Inbox;
import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.messaging.Message;
import io.commslib.core.spi.Checks;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * An inbox without a database, for users' tests: honours rollback like the real one, except that a
 * duplicate of a message whose first transaction is still open does not wait but is taken for a
 * duplicate if that one commits. Thread-safe. Holds at most 1,000,000 entries; beyond that the
 * oldest are forgotten.
 *
 * @since 0.1
 */
public final class InMemoryInbox implements Inbox {

  private static final int MAX_ENTRIES = 1_000_000;

  private final TransactionRunner transactions;
  private final TimeSource time;
  private final Duration retention;
  private final Map<String, Instant> entries =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
          return size() > MAX_ENTRIES;
        }
      };

  private InMemoryInbox(TransactionRunner transactions, TimeSource time, Duration retention) {
    this.transactions = Objects.requireNonNull(transactions, "transactions");
    this.time = Objects.requireNonNull(time, "time");
    this.retention = retention;
  }

  /**
   * Creates an inbox.
   *
   * @param transactions an {@link io.commslib.core.inmemory.InMemoryTransactionRunner}
   * @param time clock of the retention
   * @param retention how long entries are kept, 1 h to 3,650 days
   * @return new inbox
   */
  public static InMemoryInbox create(
      TransactionRunner transactions, TimeSource time, Duration retention) {
    Checks.inRange("retention", retention, Duration.ofHours(1), Duration.ofDays(3_650));
    return new InMemoryInbox(transactions, time, retention);
  }

  @Override
  public boolean enter(TransactionContext tx, String consumer, Message message) {
    Checks.check(
        tx.database().equals(database()), "transaction", tx.database(), "one on " + database());
    String entry = consumer + '\n' + message.idempotencyKey();
    synchronized (entries) {
      if (entries.putIfAbsent(entry, time.now()) != null) {
        return false;
      }
    }
    tx.unwrap(InMemoryTransaction.class).onRollback(() -> remove(entry));
    return true;
  }

  private void remove(String entry) {
    synchronized (entries) {
      entries.remove(entry);
    }
  }

  @Override
  public Duration retention() {
    return retention;
  }

  @Override
  public long purge() {
    Instant oldest = time.now().minus(retention);
    synchronized (entries) {
      int before = entries.size();
      entries.values().removeIf(at -> at.isBefore(oldest));
      return before - entries.size();
    }
  }

  @Override
  public DatabaseId database() {
    return transactions.database();
  }
}
