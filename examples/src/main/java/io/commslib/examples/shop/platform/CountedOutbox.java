package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.outbox.Outbox;
import java.util.List;

/**
 * An outbox that numbers and logs its messages, so that the check can find lost messages and wrong
 * order.
 */
public final class CountedOutbox implements Outbox {

  /** Header: the service that sent the message. */
  public static final String PRODUCER = "shop-producer";

  /** Header: the number of the message among those of its service and key. */
  public static final String SEQUENCE = "shop-seq";

  private final String service;
  private final Outbox outbox;
  private final SentLog log;

  CountedOutbox(String service, Outbox outbox, SentLog log) {
    this.service = service;
    this.outbox = outbox;
    this.log = log;
  }

  @Override
  public void publish(TransactionContext tx, Destination to, Message message) {
    long seq = log.add(tx, message.id(), to.toString(), message.key().orElseThrow());
    outbox.publish(
        tx,
        to,
        message.toBuilder().header(PRODUCER, service).header(SEQUENCE, Long.toString(seq)).build());
  }

  @Override
  public void publishAll(TransactionContext tx, Destination to, List<Message> messages) {
    messages.forEach(message -> publish(tx, to, message));
  }

  @Override
  public void wake() {
    outbox.wake();
  }

  @Override
  public DatabaseId database() {
    return outbox.database();
  }
}
