package io.commslib.testkit.contract;

import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** An inbox on in-memory transactions: a rollback removes the entry. */
final class RememberingInbox implements Inbox {

  private final DatabaseId database;
  private final Set<String> entries = ConcurrentHashMap.newKeySet();

  RememberingInbox(DatabaseId database) {
    this.database = database;
  }

  @Override
  public boolean enter(TransactionContext tx, String consumer, Message message) {
    String entry = consumer + '\n' + message.inboxKey();
    if (!entries.add(entry)) {
      return false;
    }
    tx.unwrap(InMemoryTransaction.class).onRollback(() -> entries.remove(entry));
    return true;
  }

  @Override
  public Duration retention() {
    return Duration.ofDays(1);
  }

  @Override
  public long purge() {
    return 0;
  }

  @Override
  public DatabaseId database() {
    return database;
  }
}
