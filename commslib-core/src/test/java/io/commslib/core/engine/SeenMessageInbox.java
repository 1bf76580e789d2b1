package io.commslib.core.engine;

import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;

/** An inbox that has seen one message. */
final class SeenMessageInbox implements Inbox {

  private final DatabaseId database;
  private final String id;

  SeenMessageInbox(DatabaseId database, String id) {
    this.database = database;
    this.id = id;
  }

  @Override
  public boolean enter(TransactionContext tx, String consumer, Message message) {
    return !message.id().equals(id);
  }

  @Override
  public Duration retention() {
    return Duration.ofDays(30);
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
