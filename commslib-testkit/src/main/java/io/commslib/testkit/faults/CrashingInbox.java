package io.commslib.testkit.faults;

import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;

/** An inbox with a crash point after each entry. */
final class CrashingInbox implements Inbox {

  private final Inbox inbox;
  private final CrashPoints points;

  CrashingInbox(Inbox inbox, CrashPoints points) {
    this.inbox = inbox;
    this.points = points;
  }

  @Override
  public boolean enter(TransactionContext tx, String consumer, Message message) {
    boolean entered = inbox.enter(tx, consumer, message);
    points.reached("inbox.entered");
    return entered;
  }

  @Override
  public Duration retention() {
    return inbox.retention();
  }

  @Override
  public long purge() {
    return inbox.purge();
  }

  @Override
  public DatabaseId database() {
    return inbox.database();
  }
}
