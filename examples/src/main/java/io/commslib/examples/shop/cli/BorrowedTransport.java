package io.commslib.examples.shop.cli;

import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.TransportCapabilities;

/**
 * A transport that several services of one process share: closing it leaves it open for the others.
 */
record BorrowedTransport(MessageTransport lent) implements MessageTransport {

  @Override
  public String name() {
    return lent.name();
  }

  @Override
  public TransportCapabilities capabilities() {
    return lent.capabilities();
  }

  @Override
  public void declare(DestinationConfig config) {
    lent.declare(config);
  }

  @Override
  public Publisher publisher() {
    return lent.publisher();
  }

  @Override
  public Subscriber subscriber() {
    return lent.subscriber();
  }

  @Override
  public DeadLetters deadLetters() {
    return lent.deadLetters();
  }

  @Override
  public Health health() {
    return lent.health();
  }

  @Override
  public void close() {
    // Belongs to who lent it.
  }
}
